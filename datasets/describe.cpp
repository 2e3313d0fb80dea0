#include "describe.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <type_traits>

#include "../kernels/cpu/parallel.h"
#include "../kernels/random.h"

namespace lacuna {
namespace {

constexpr std::int64_t kPiece = 256;  // samples that one thread reads at a time

// Count, mean and sum of squared deviations, joined as by Chan, Golub and LeVeque 1979.
struct Moments {
  double count = 0, mean = 0, squares = 0, min = INFINITY, max = -INFINITY;
  void join(const Moments& b) {
    if (b.count == 0) return;
    const double n = count + b.count, delta = b.mean - mean;
    squares += b.squares + delta * delta * count * b.count / n;
    mean += delta * b.count / n;
    count = n;
    min = std::min(min, b.min);
    max = std::max(max, b.max);
  }
};

// Bytes are counted by value, which makes their figures exact.
Moments moments_of(const std::int64_t (&counts)[256]) {
  Moments m;
  for (int v = 0; v < 256; v++) {
    if (counts[v] == 0) continue;
    m.join({static_cast<double>(counts[v]), static_cast<double>(v), 0, static_cast<double>(v),
            static_cast<double>(v)});
  }
  return m;
}

template <class T>
void add_moments(const std::byte* bytes, std::int64_t values, std::vector<Moments>& channels) {
  const std::size_t n = channels.size();
  for (std::int64_t i = 0; i < values; i++) {
    T value;
    std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
    double v;
    if constexpr (std::is_same_v<T, bf16>)
      v = static_cast<float>(value);
    else
      v = static_cast<double>(value);
    channels[i % n].join({1, v, 0, v, v});
  }
}

struct Counts {
  std::int64_t of[256] = {};
};

// A field's figures: of a thread's samples, or of all.
struct Figures {
  std::vector<Counts> counts;    // a channel, for u8
  std::vector<Moments> moments;  // a channel, for everything else
};

std::size_t channels_of(const Field& field) {
  if (field.shape.empty()) return 1;
  const std::int64_t last = field.shape.back();
  return last >= 1 && last <= 16 ? static_cast<std::size_t>(last) : 1;
}

std::uint64_t hash_of(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t h = count;
  for (std::size_t i = 0; i < count; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i, std::min<std::size_t>(8, count - i));
    h = mix64((h ^ word) + 0x9E3779B97F4A7C15u);
  }
  return h;
}

bool is_constant(const std::uint8_t* image, std::size_t bytes, std::size_t channels) {
  return bytes > channels && std::memcmp(image, image + channels, bytes - channels) == 0;
}

// Memory for one sample.
struct Sample {
  std::vector<std::vector<std::byte>> memory;
  std::vector<std::byte*> out;
  explicit Sample(const std::vector<Field>& fields) {
    for (const Field& f : fields) memory.emplace_back(f.shape.numel() * size_of(f.dtype));
    for (auto& m : memory) out.push_back(m.data());
  }
  const std::uint8_t* bytes(int field) const {
    return reinterpret_cast<const std::uint8_t*>(memory[field].data());
  }
};

int find_field(const std::vector<Field>& fields, const char* name) {
  for (std::size_t k = 0; k < fields.size(); k++)
    if (fields[k].name == name) return static_cast<int>(k);
  return -1;
}

class Pass {
 public:
  explicit Pass(const Source& source)
      : source_(source),
        fields_(source.fields()),
        image_(find_field(fields_, "image")),
        label_(find_field(fields_, "label")) {
    if (image_ >= 0 && fields_[image_].dtype != Dtype::u8) image_ = -1;
    if (label_ >= 0 && (fields_[label_].dtype != Dtype::i64 || !fields_[label_].shape.empty()))
      label_ = -1;
    const auto n = static_cast<std::size_t>(source.size());
    hashes_.resize(image_ >= 0 ? n : 0);
    constant_.resize(image_ >= 0 ? n : 0);
    labels_.resize(label_ >= 0 ? n : 0);
  }

  SourceSummary run() {
    const std::int64_t n = source_.size(), pieces = (n + kPiece - 1) / kPiece;
    std::vector<std::vector<Figures>> moments(
        pieces);  // joined in order, so that threads change no bit
    total_ = empty();
    cpu::parallel_for(pieces, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t p = begin; p < end; p++)
        moments[p] = read_piece(p * kPiece, std::min(n, (p + 1) * kPiece));
    });
    for (const auto& piece : moments)
      for (std::size_t k = 0; k < piece.size(); k++)
        for (std::size_t c = 0; c < piece[k].moments.size(); c++)
          total_[k].moments[c].join(piece[k].moments[c]);
    SourceSummary s;
    s.name = source_.name();
    s.samples = n;
    summarize_fields(s);
    if (label_ >= 0) count_labels(s);
    if (image_ >= 0) find_duplicates(s);
    for (std::size_t i = 0; i < constant_.size(); i++)
      if (constant_[i]) s.constant.push_back(static_cast<std::int64_t>(i));
    find_problems(s);
    return s;
  }

 private:
  std::vector<Figures> empty() const {
    std::vector<Figures> all(fields_.size());
    for (std::size_t k = 0; k < all.size(); k++) {
      if (fields_[k].dtype == Dtype::u8)
        all[k].counts.resize(channels_of(fields_[k]));
      else
        all[k].moments.resize(channels_of(fields_[k]));
    }
    return all;
  }

  std::vector<Figures> read_piece(std::int64_t begin, std::int64_t end) {
    std::vector<Figures> mine = empty();
    Sample sample(fields_);
    for (std::int64_t i = begin; i < end; i++) {
      source_.read(i, sample.out);
      for (std::size_t k = 0; k < fields_.size(); k++) add(sample, static_cast<int>(k), mine[k]);
      if (image_ >= 0) {
        const std::size_t bytes = sample.memory[image_].size();
        hashes_[i] = hash_of(sample.bytes(image_), bytes);
        constant_[i] = is_constant(sample.bytes(image_), bytes, channels_of(fields_[image_]));
      }
      if (label_ >= 0) std::memcpy(&labels_[i], sample.bytes(label_), sizeof(std::int64_t));
    }
    std::lock_guard lock(mutex_);
    for (std::size_t k = 0; k < mine.size(); k++) {
      for (std::size_t c = 0; c < mine[k].counts.size(); c++)
        for (int v = 0; v < 256; v++) total_[k].counts[c].of[v] += mine[k].counts[c].of[v];
      mine[k].counts.clear();
    }
    return mine;
  }

  void add(const Sample& sample, int k, Figures& figures) const {
    const std::byte* bytes = sample.memory[k].data();
    const std::int64_t values = fields_[k].shape.numel();
    switch (fields_[k].dtype) {
      case Dtype::u8: {
        const std::size_t n = figures.counts.size();
        for (std::int64_t i = 0; i < values; i += static_cast<std::int64_t>(n))
          for (std::size_t c = 0; c < n; c++)
            figures.counts[c].of[static_cast<std::uint8_t>(bytes[i + c])]++;
        break;
      }
      default:
        dispatch_all(fields_[k].dtype, [&](auto zero) {
          add_moments<decltype(zero)>(bytes, values, figures.moments);
        });
    }
  }

  void summarize_fields(SourceSummary& s) const {
    for (std::size_t k = 0; k < fields_.size(); k++) {
      FieldSummary f{fields_[k].name, fields_[k].dtype, fields_[k].shape, {}};
      std::vector<Moments> channels = total_[k].moments;
      for (const Counts& c : total_[k].counts) channels.push_back(moments_of(c.of));
      for (const Moments& m : channels)
        f.channels.push_back(
            {m.min, m.max, m.mean, m.count > 0 ? std::sqrt(m.squares / m.count) : 0});
      s.fields.push_back(std::move(f));
    }
  }

  void count_labels(SourceSummary& s) const {
    const std::vector<std::string> names = source_.classes();
    std::map<std::int64_t, std::int64_t> counts;
    for (std::size_t c = 0; c < names.size(); c++) counts[static_cast<std::int64_t>(c)] = 0;
    for (std::int64_t label : labels_) counts[label]++;
    for (const auto& [label, count] : counts) {
      const bool named = label >= 0 && label < static_cast<std::int64_t>(names.size());
      s.labels.emplace_back(named ? names[label] : std::to_string(label), count);
      if (!named && !names.empty())
        s.problems.push_back("label " + std::to_string(label) + " is not one of the " +
                             std::to_string(names.size()) + " classes");
    }
  }

  // Samples with equal hashes are compared byte by byte.
  void find_duplicates(SourceSummary& s) const {
    std::vector<std::int64_t> order(hashes_.size());
    for (std::size_t i = 0; i < order.size(); i++) order[i] = static_cast<std::int64_t>(i);
    std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return hashes_[a] != hashes_[b] ? hashes_[a] < hashes_[b] : a < b;
    });
    Sample first(fields_), other(fields_);
    std::int64_t contradictions = 0;
    for (std::size_t i = 0; i < order.size();) {
      std::size_t end = i + 1;
      while (end < order.size() && hashes_[order[end]] == hashes_[order[i]]) end++;
      if (end > i + 1) source_.read(order[i], first.out);
      for (std::size_t j = i + 1; j < end; j++) {
        source_.read(order[j], other.out);
        if (first.memory[image_] != other.memory[image_]) continue;
        s.duplicates.emplace_back(order[j], order[i]);
        if (label_ >= 0) contradictions += labels_[order[j]] != labels_[order[i]];
      }
      i = end;
    }
    std::sort(s.duplicates.begin(), s.duplicates.end());
    if (contradictions > 0)
      s.problems.push_back("images equal to an earlier one that has another label: " +
                           std::to_string(contradictions));
  }

  void find_problems(SourceSummary& s) const {
    if (s.samples == 0) s.problems.push_back("there are no samples");
    const auto share = [&](std::size_t count, const char* what) {
      if (count > 0)
        s.problems.push_back(what + std::to_string(count) + " of " + std::to_string(s.samples));
    };
    share(s.duplicates.size(), "images equal to an earlier one: ");
    share(s.constant.size(), "images of one colour: ");
    std::int64_t most = 0, least = s.samples;
    for (const auto& [name, count] : s.labels) {
      if (count == 0) s.problems.push_back("class " + name + " has no samples");
      if (count > 0) least = std::min(least, count);
      most = std::max(most, count);
    }
    if (most > 10 * least)
      s.problems.push_back("the largest class has " + std::to_string(most) +
                           " samples, the smallest " + std::to_string(least));
    if (image_ < 0 || s.samples == 0) return;
    const auto& channels = s.fields[image_].channels;
    double top = 0;
    for (std::size_t c = 0; c < channels.size(); c++) {
      top = std::max(top, channels[c].max);
      if (channels[c].min == channels[c].max)
        s.problems.push_back("channel " + std::to_string(c) + " is the same value everywhere");
    }
    if (top <= 1) s.problems.push_back("no image value is above 1, where 255 is white");
  }

  const Source& source_;
  std::vector<Field> fields_;
  int image_, label_;  // places of these fields, or -1
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint8_t> constant_;
  std::vector<std::int64_t> labels_;
  std::mutex mutex_;
  std::vector<Figures> total_;
};

}  // namespace

SourceSummary summarize(const Source& source) { return Pass(source).run(); }

}  // namespace lacuna
