#include "features.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "../core/ops/elementwise.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"
#include "augmentation.h"
#include "text.h"

namespace lacuna {
namespace {

constexpr const char* kFeaturesOp = "eval";
constexpr std::int64_t kAtOnce = 256;  // samples

const Field* find_field(const std::vector<Field>& fields, const char* name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

// columns: of each token, or -1.
Tensor bag_of_tokens(const Batch& batch, const std::vector<std::int64_t>& columns,
                     std::int64_t width) {
  const Tensor& tokens = batch["tokens"];
  const std::int64_t n = tokens.dim(0), length = tokens.dim(1);
  const auto ids = tokens.to_vector<std::int64_t>(),
             lengths = batch["length"].to_vector<std::int64_t>();
  std::vector<float> counts(static_cast<std::size_t>(n * width));
  for (std::int64_t i = 0; i < n; i++)
    for (std::int64_t k = 0; k < std::min(lengths[static_cast<std::size_t>(i)], length); k++) {
      const std::int64_t column =
          columns.at(static_cast<std::size_t>(ids[static_cast<std::size_t>(i * length + k)]));
      if (column >= 0) counts[static_cast<std::size_t>(i * width + column)]++;
    }
  return Tensor::from(counts, {n, width}, tokens.device());
}

void check_labels(const std::vector<std::int64_t>& labels, std::int64_t classes,
                  const Source& source) {
  for (std::int64_t label : labels)
    LACUNA_CHECK(label >= 0 && label < classes, kFeaturesOp, "labels of ", source.name(),
                 " are 0 to ", classes - 1, ": got ", label);
}

}  // namespace

Subject network(const std::string& name, Task& task) {
  return {name,
          [&task](const Batch& batch) {
            NoGrad guard;
            const Device device = batch.fields.begin()->second.device();
            Context context{.training = false, .ids = row_ids(batch.ids, 1, device)};
            return task.represent(context, batch);
          },
          &task.encoder()};
}

Subject raw(const Source& train) {
  const auto fields = train.fields();
  if (const Field* image = find_field(fields, "image"))
    return {"raw", [shape = image->shape](const Batch& batch) {
              NoGrad guard;
              const Tensor& x = batch["image"];
              const bool fits = x.dim(1) == shape[0] && x.dim(2) == shape[1];
              return fits ? affine(to(flatten(x, 1), Dtype::f32), 1.0 / 255, 0)
                          : flatten(central_view(x, shape[0], shape[1], {1, 1},
                                                 Interpolation::bilinear),
                                    1);
            }};
  LACUNA_CHECK(train.vocabulary().size > 0, kFeaturesOp, "needs pictures or text: ", train.name(),
               " has neither");
  std::vector<std::int64_t> columns;
  std::int64_t width = 0;
  for (std::int64_t count : count_tokens(train, 0, {})) columns.push_back(count > 0 ? width++ : -1);
  return {"raw",
          [columns, width](const Batch& batch) { return bag_of_tokens(batch, columns, width); }};
}

bool has_classes(const Source& source) {
  const auto fields = source.fields();
  const Field* label = find_field(fields, "label");
  return label && label->shape.size() == 0 && source.classes().size() >= 2;
}

Features vectors_of(const Subject& subject, const Source& source,
                    const std::vector<std::int64_t>& ids, Device device) {
  const bool labelled = has_classes(source);
  const auto classes = static_cast<std::int64_t>(source.classes().size());
  LACUNA_CHECK(!ids.empty(), kFeaturesOp, source.name(), " has no sample");
  const auto count = static_cast<std::int64_t>(ids.size());
  Features out;
  for (std::int64_t begin = 0; begin < count; begin += kAtOnce) {
    const std::vector<std::int64_t> some(ids.begin() + begin,
                                         ids.begin() + std::min(count, begin + kAtOnce));
    const Batch rows = read_batch(source, some);
    if (labelled) {
      const auto labels = rows["label"].to_vector<std::int64_t>();
      check_labels(labels, classes, source);
      out.labels.insert(out.labels.end(), labels.begin(), labels.end());
    }
    const Tensor x = contiguous(to(subject.represent(rows.to(device)), Device{}));
    LACUNA_CHECK(x.ndim() == 2 && x.dim(0) == rows.size() && x.dtype() == Dtype::f32, kFeaturesOp,
                 subject.name, " must give (N, D) f32 of ", rows.size(), " samples: got ",
                 describe("x", x));
    const std::int64_t width = x.dim(1);
    if (!out.x.defined()) out.x = Tensor::empty({count, width});
    const float* const values = x.data<float>();
    for (std::int64_t i = 0; i < x.numel(); i++)
      LACUNA_CHECK(std::isfinite(values[i]), kFeaturesOp, "the vector of sample ", some[i / width],
                   " of ", source.name(), " by ", subject.name,
                   " holds a number that is not finite");
    std::memcpy(out.x.data<float>() + begin * width, values,
                static_cast<std::size_t>(x.numel()) * sizeof(float));
  }
  return out;
}

Features features_of(const Subject& subject, const Source& source,
                     const std::vector<std::int64_t>& ids, Device device) {
  LACUNA_CHECK(has_classes(source), kFeaturesOp,
               "needs labels of at least two classes: ", source.name(), " has ",
               source.classes().size());
  return vectors_of(subject, source, ids, device);
}

Features features_of(const Subject& subject, const Source& source, Device device) {
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < source.size(); i++) ids.push_back(i);
  return features_of(subject, source, ids, device);
}

std::int64_t width_of(const Subject& subject, const Source& source, Device device) {
  LACUNA_CHECK(source.size() > 0, kFeaturesOp, source.name(), " has no sample");
  return subject.represent(read_batch(source, {0}).to(device)).dim(1);
}

std::uint64_t hash_of(const Module& module) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&](const void* data, std::size_t size) {
    const auto* const bytes = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  };
  for (const auto& [name, tensor] : module.state_dict()) {
    add(name.data(), name.size());
    const auto values = tensor.to_vector<float>();
    add(values.data(), values.size() * sizeof(float));
  }
  return hash;
}

Unmoved::Unmoved(const std::string& name, const Module* backbone)
    : name_(name), backbone_(backbone), hash_(backbone ? hash_of(*backbone) : 0) {}

void Unmoved::check() const {
  if (backbone_ && hash_of(*backbone_) != hash_)
    throw RunError("[eval] the backbone of " + name_ +
                   " changed while it was judged: the figures are not those of a frozen one");
}

}  // namespace lacuna
