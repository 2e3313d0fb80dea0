#include "corrupted.h"

#include <algorithm>
#include <cmath>

#include "../kernels/random.h"

namespace lacuna {
namespace {

constexpr const char* kCorruptedOp = "shift";

struct Kind {
  const char* name;
  double strength[5];
};
constexpr Kind kKinds[] = {{"noise", {0.04, 0.06, 0.08, 0.09, 0.10}},
                           {"blur", {0.4, 0.6, 0.7, 0.8, 1}},
                           {"contrast", {0.75, 0.5, 0.4, 0.3, 0.15}},
                           {"brightness", {0.05, 0.10, 0.15, 0.20, 0.30}}};

std::uint8_t pixel_of(double x) {
  return static_cast<std::uint8_t>(std::clamp(std::floor(x * 255 + 0.5), 0.0, 255.0));
}

// One pass along lines of `length` values that are `step` apart; edges repeated.
void blur_line(double* line, std::int64_t length, std::int64_t step,
               const std::vector<double>& weights, std::vector<double>& buffer) {
  const auto radius = static_cast<std::int64_t>(weights.size()) - 1;
  buffer.resize(static_cast<std::size_t>(length));
  for (std::int64_t i = 0; i < length; i++) {
    double sum = 0;
    for (std::int64_t k = -radius; k <= radius; k++)
      sum += weights[static_cast<std::size_t>(std::abs(k))] *
             line[std::clamp<std::int64_t>(i + k, 0, length - 1) * step];
    buffer[static_cast<std::size_t>(i)] = sum;
  }
  for (std::int64_t i = 0; i < length; i++) line[i * step] = buffer[static_cast<std::size_t>(i)];
}

void blur(std::vector<double>& x, std::int64_t h, std::int64_t w, std::int64_t c, double sigma) {
  std::vector<double> weights, buffer;  // of distances 0, 1, ... up to four deviations
  double total = 0;
  for (std::int64_t k = 0; k <= std::llround(std::ceil(4 * sigma)); k++) {
    weights.push_back(std::exp(-0.5 * static_cast<double>(k * k) / (sigma * sigma)));
    total += (k ? 2 : 1) * weights.back();
  }
  for (double& weight : weights) weight /= total;
  for (std::int64_t k = 0; k < c; k++) {
    for (std::int64_t y = 0; y < h; y++) blur_line(&x[y * w * c + k], w, c, weights, buffer);
    for (std::int64_t i = 0; i < w; i++) blur_line(&x[i * c + k], h, w * c, weights, buffer);
  }
}

void change_contrast(std::vector<double>& x, std::int64_t c, double share) {
  const auto n = static_cast<std::int64_t>(x.size());
  for (std::int64_t k = 0; k < c; k++) {
    double mean = 0;
    for (std::int64_t i = k; i < n; i += c) mean += x[i];
    mean /= static_cast<double>(n / c);
    for (std::int64_t i = k; i < n; i += c) x[i] = mean + share * (x[i] - mean);
  }
}

class Corrupted : public Source {
 public:
  Corrupted(std::shared_ptr<const Source> source, const Corruption& corruption)
      : source_(std::move(source)), corruption_(corruption) {
    const auto fields = source_->fields();
    for (std::size_t k = 0; k < fields.size(); k++)
      if (fields[k].name == "image" && fields[k].dtype == Dtype::u8 && fields[k].shape.size() == 3)
        image_ = k, shape_ = fields[k].shape;
    LACUNA_CHECK(shape_.size() == 3, kCorruptedOp, corruption.kind,
                 " is for pictures: ", source_->name(), " has no field \"image\" of (H, W, C) u8");
  }
  std::int64_t size() const override { return source_->size(); }
  std::vector<Field> fields() const override { return source_->fields(); }
  std::vector<std::string> classes() const override { return source_->classes(); }
  std::string name() const override {
    return source_->name() + " with " + corruption_.kind + ":" +
           std::to_string(corruption_.severity);
  }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    source_->read(index, out);
    corrupt(corruption_, index, reinterpret_cast<std::uint8_t*>(out[image_]), shape_[0], shape_[1],
            shape_[2]);
  }

 private:
  std::shared_ptr<const Source> source_;
  Corruption corruption_;
  std::size_t image_ = 0;
  Shape shape_;
};

}  // namespace

const std::vector<std::string>& corruption_kinds() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Kind& kind : kKinds) all.emplace_back(kind.name);
    return all;
  }();
  return names;
}

bool parse_corruption(const std::string& text, Corruption& into) {
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const auto& kinds = corruption_kinds();
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) return false;
  into = {kind, 3};
  if (colon == std::string::npos) return true;
  const std::string severity = text.substr(colon + 1);
  LACUNA_CHECK(severity.size() == 1 && severity[0] >= '1' && severity[0] <= '5', kCorruptedOp,
               "a severity is 1 to 5: got \"", text, '"');
  into.severity = severity[0] - '0';
  return true;
}

void corrupt(const Corruption& corruption, std::int64_t sample, std::uint8_t* pixels,
             std::int64_t h, std::int64_t w, std::int64_t c) {
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [&](const Kind& k) { return corruption.kind == k.name; });
  LACUNA_CHECK(kind != std::end(kKinds) && corruption.severity >= 1 && corruption.severity <= 5,
               kCorruptedOp, "no such corruption: ", corruption.kind, ":", corruption.severity);
  const double strength = kind->strength[corruption.severity - 1];
  const std::int64_t n = h * w * c;
  std::vector<double> x(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; i++) x[i] = pixels[i] / 255.0;
  if (corruption.kind == "noise") {
    const RandomKey key = RandomKey::of(0, stream_of("shift.noise"));
    for (std::int64_t i = 0; i < n; i++)
      x[i] +=
          strength * static_cast<double>(normal_of(draw_word(key, static_cast<std::uint64_t>(i),
                                                             static_cast<std::uint64_t>(sample))));
  } else if (corruption.kind == "blur") {
    blur(x, h, w, c, strength);
  } else if (corruption.kind == "contrast") {
    change_contrast(x, c, strength);
  } else {
    for (double& v : x) v += strength;
  }
  for (std::int64_t i = 0; i < n; i++) pixels[i] = pixel_of(x[i]);
}

std::unique_ptr<Source> corrupted(std::shared_ptr<const Source> source,
                                  const Corruption& corruption) {
  return std::make_unique<Corrupted>(std::move(source), corruption);
}

}  // namespace lacuna
