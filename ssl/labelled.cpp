#include "labelled.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "../core/ops/reduce.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"
#include "../nn/optim/adam.h"
#include "../nn/optim/clip.h"
#include "../nn/optim/schedule.h"
#include "augmentation.h"

namespace lacuna {
namespace {

constexpr const char* kLabelledOp = "finetune";
constexpr std::int64_t kJudged = 64;  // rows at once that are only judged

using Ids = std::vector<std::int64_t>;

Ids range(std::int64_t begin, std::int64_t end) {
  Ids ids;
  for (std::int64_t i = begin; i < end; i++) ids.push_back(i);
  return ids;
}

// Rows of text as long as the longest of them.
Batch read_rows(const Source& source, const Ids& ids, Device device) {
  Batch batch = read_batch(source, ids);
  if (!batch.has("length")) return batch.to(device);
  const auto lengths = batch["length"].to_vector<std::int64_t>();
  const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  for (const char* name : {"tokens", "segment", "tag"})
    if (batch.has(name)) batch.fields[name] = contiguous(slice(batch[name], 1, 0, longest));
  return batch.to(device);
}

// The values of a batch's labels or tags; -1 is a token that is not the first of its word.
Ids labels_of(const Batch& batch, bool tags, std::int64_t classes) {
  const auto values = batch[tags ? "tag" : "label"].to_vector<std::int64_t>();
  for (std::int64_t value : values)
    LACUNA_CHECK((value >= 0 || (tags && value == -1)) && value < classes, kLabelledOp,
                 "labels are 0 to ", classes - 1, ": got ", value);
  return values;
}

}  // namespace

bool has_tags(const Source& source) {
  const auto fields = source.fields();
  return std::any_of(fields.begin(), fields.end(),
                     [](const Field& field) { return field.name == "tag"; });
}

Truth::Truth(const Source& source) : tags(has_tags(source)), names(source.classes()) {
  for (std::int64_t begin = 0; begin < source.size(); begin += kJudged) {
    const Batch batch = read_batch(source, range(begin, std::min(source.size(), begin + kJudged)));
    const Ids values = labels_of(batch, tags, static_cast<std::int64_t>(names.size()));
    if (!tags) {
      labels.insert(labels.end(), values.begin(), values.end());
      continue;
    }
    const std::int64_t length = batch["tag"].dim(1);
    for (std::int64_t row = 0; row < batch.size(); row++) {
      Ids sentence;
      for (std::int64_t i = row * length; i < (row + 1) * length; i++)
        if (values[static_cast<std::size_t>(i)] >= 0)
          sentence.push_back(values[static_cast<std::size_t>(i)]);
      sentences.push_back(sentence);
    }
  }
}

LabelScore Truth::judge(const Ids& guess) const {
  if (!tags) return score_classes(labels, guess, static_cast<std::int64_t>(names.size()));
  std::vector<Ids> cut;
  auto at = guess.begin();
  for (const Ids& sentence : sentences) {
    const auto end = at + static_cast<std::ptrdiff_t>(sentence.size());
    cut.emplace_back(at, end);
    at = end;
  }
  return score_tags(sentences, cut, names);
}

std::int64_t Truth::commonest() const {
  std::map<std::int64_t, std::int64_t> counts;
  for (std::int64_t label : labels) counts[label]++;
  for (const Ids& sentence : sentences)
    for (std::int64_t tag : sentence) counts[tag]++;
  LACUNA_CHECK(!counts.empty(), kLabelledOp, "needs labels: there are none");
  return std::max_element(counts.begin(), counts.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

std::int64_t Truth::size() const {
  auto n = static_cast<std::int64_t>(labels.size());
  for (const Ids& sentence : sentences) n += static_cast<std::int64_t>(sentence.size());
  return n;
}

std::int64_t LabelledTraining::steps(std::int64_t rows) const {
  return std::max(epochs * ((rows + batch_size - 1) / batch_size), min_steps);
}

double train_labeller(Labeller& model, const Source& source, const Ids& rows,
                      const LabelledTraining& o) {
  const auto n = static_cast<std::int64_t>(rows.size());
  const std::int64_t per_epoch = (n + o.batch_size - 1) / o.batch_size, steps = o.steps(n);
  const Schedule schedule{.shape = Schedule::Shape::linear,
                          .base = o.lr,
                          .warmup = std::llround(o.warmup * static_cast<double>(steps)),
                          .total = steps};
  std::set<std::string> vectors;
  for (const NamedTensor& p : model.parameters())
    if (p.tensor.ndim() < 2) vectors.insert(p.name);
  AdamW adam(model.parameters(), {.weight_decay = o.weight_decay},
             {{.holds = [&](const std::string& name) { return vectors.count(name) != 0; },
               .weight_decay = 0}});
  Context context{.seed = o.seed};
  double sum = 0;
  for (std::int64_t step = 0; step < steps; step++) {
    context.epoch = step / per_epoch;
    const RandomKey order = context.key("finetune.shuffle");
    Ids ids;
    for (std::int64_t p = step % per_epoch * o.batch_size;
         p < n && static_cast<std::int64_t>(ids.size()) < o.batch_size; p++)
      ids.push_back(
          rows[permute(order, static_cast<std::uint64_t>(p), static_cast<std::uint64_t>(n))]);
    context.ids = row_ids(ids, 1, o.device);
    adam.zero_grad();
    Batch batch = read_rows(source, ids, o.device);
    if (o.augmentation) augment(context, *o.augmentation, batch);
    const Tensor loss = model.loss(context, batch, o.lm_weight);
    const double value = loss.item();
    backward(loss);
    const double norm = global_norm(adam.parameters());
    if (!std::isfinite(value) || !std::isfinite(norm))
      throw RunError("[finetune] the loss of step " + std::to_string(step + 1) +
                     " or its gradient is not finite; a lower rate (--lr) may help");
    adam.lr = schedule.at(step);
    adam.step(o.clip > 0 ? clip_scale(norm, o.clip) : 1);
    if (step >= steps - per_epoch) sum += value;
  }
  return sum / static_cast<double>(std::min(per_epoch, steps));
}

Ids guesses_of(Labeller& model, const Source& source, Device device) {
  NoGrad guard;
  Context context{.training = false};
  Ids guess;
  for (std::int64_t begin = 0; begin < source.size(); begin += kJudged) {
    const Ids ids = range(begin, std::min(source.size(), begin + kJudged));
    context.ids = row_ids(ids, 1, device);
    const Tensor scores = model.scores(context, read_rows(source, ids, device));
    const Ids best = argmax(scores).to_vector<std::int64_t>();
    guess.insert(guess.end(), best.begin(), best.end());
  }
  return guess;
}

std::vector<std::int64_t> balanced_order(const std::vector<std::int64_t>& labels,
                                         std::uint64_t seed) {
  const auto n = static_cast<std::uint64_t>(labels.size());
  const RandomKey key = RandomKey::of(seed, stream_of("finetune.labels"));
  std::map<std::int64_t, Ids> classes;  // rows of each, the next one last
  for (std::uint64_t i = n; i-- > 0;) {
    const auto row = static_cast<std::int64_t>(permute(key, i, n));
    classes[labels[static_cast<std::size_t>(row)]].push_back(row);
  }
  Ids order;
  while (order.size() < labels.size())
    for (auto& [label, rows] : classes) {
      if (rows.empty()) continue;
      order.push_back(rows.back());
      rows.pop_back();
    }
  return order;
}

}  // namespace lacuna
