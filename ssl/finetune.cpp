#include "finetune.h"

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
#include "labeller.h"

namespace lacuna {
namespace {

constexpr const char* kOp = "finetune";
constexpr std::int64_t kJudged = 64;  // rows at once that are only judged

using Ids = std::vector<std::int64_t>;

Ids range(std::int64_t begin, std::int64_t end) {
  Ids ids;
  for (std::int64_t i = begin; i < end; i++) ids.push_back(i);
  return ids;
}

bool has_tags(const Source& source) {
  const auto fields = source.fields();
  return std::any_of(fields.begin(), fields.end(),
                     [](const Field& field) { return field.name == "tag"; });
}

// Rows as long as the longest of them.
Batch read_rows(const Source& source, const Ids& ids, Device device) {
  Batch batch = read_batch(source, ids);
  const auto lengths = batch["length"].to_vector<std::int64_t>();
  const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  for (const char* name : {"tokens", "segment", "tag"})
    if (batch.has(name)) batch.fields[name] = contiguous(slice(batch[name], 1, 0, longest));
  return batch.to(device);
}

// Labels of rows, or tags of their words.
struct Truth {
  bool tags;
  std::vector<std::string> names;
  Ids labels;
  std::vector<Ids> sentences;

  explicit Truth(const Source& source) : tags(has_tags(source)), names(source.classes()) {
    for (std::int64_t begin = 0; begin < source.size(); begin += kJudged)
      add(read_batch(source, range(begin, std::min(source.size(), begin + kJudged))));
  }
  // As many guesses as there are labels or words, in order.
  LabelScore judge(const Ids& guess) const {
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
  // What there is most of.
  std::int64_t commonest() const {
    std::map<std::int64_t, std::int64_t> counts;
    for (std::int64_t label : labels) counts[label]++;
    for (const Ids& sentence : sentences)
      for (std::int64_t tag : sentence) counts[tag]++;
    LACUNA_CHECK(!counts.empty(), kOp, "needs labels: there are none");
    return std::max_element(counts.begin(), counts.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
  }
  std::int64_t size() const {
    auto n = static_cast<std::int64_t>(labels.size());
    for (const Ids& sentence : sentences) n += static_cast<std::int64_t>(sentence.size());
    return n;
  }

 private:
  void add(const Batch& batch) {
    const auto values = batch[tags ? "tag" : "label"].to_vector<std::int64_t>();
    for (std::int64_t value : values)
      LACUNA_CHECK(
          (value >= 0 || (tags && value == -1)) && value < static_cast<std::int64_t>(names.size()),
          kOp, "labels are 0 to ", static_cast<std::int64_t>(names.size()) - 1, ": got ", value);
    if (!tags) {
      labels.insert(labels.end(), values.begin(), values.end());
      return;
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
};

class Finetuning {
 public:
  Finetuning(const Module& encoder, const Source& train, const Source& test,
             const FinetuneOptions& options)
      : encoder_(encoder),
        train_(train),
        test_(test),
        options_(options),
        known_(train),
        truth_(test) {}

  FinetuneReport run() {
    FinetuneReport report;
    report.train = train_.size();
    report.test = test_.size();
    report.spans = known_.tags && mark_spans(known_.names);
    const Ids guess(static_cast<std::size_t>(truth_.size()), known_.commonest());
    report.majority = truth_.judge(guess);
    for (std::int64_t labels : numbers_of_labels()) {
      FinetuneLine line;
      line.labels = labels;
      for (std::int64_t i = 0; i < options_.seeds; i++)
        for (bool pretrained : {true, false}) {
          const FinetuneTrial trial =
              run(labels, options_.seed + static_cast<std::uint64_t>(i), pretrained);
          line.steps = trial.steps;
          (pretrained ? line.pretrained : line.scratch).trials.push_back(trial.score);
          if (options_.done) options_.done(trial);
        }
      report.lines.push_back(std::move(line));
    }
    return report;
  }

 private:
  std::set<std::int64_t> numbers_of_labels() const {
    std::set<std::int64_t> numbers;
    for (std::int64_t n : options_.labels)
      numbers.insert(n == 0 ? train_.size() : std::min(n, train_.size()));
    return numbers;
  }

  FinetuneTrial run(std::int64_t labels, std::uint64_t seed, bool pretrained) const {
    const auto model = make_labeller(encoder_, DataInfo::of(train_), options_.dropout);
    model->initialize(seed);
    if (pretrained) model->start_from(encoder_);
    model->to(options_.device);
    Ids rows = balanced_order(
        known_.tags ? Ids(static_cast<std::size_t>(train_.size())) : known_.labels, seed);
    rows.resize(static_cast<std::size_t>(labels));
    FinetuneTrial trial{.labels = labels, .seed = seed, .pretrained = pretrained};
    train(*model, rows, trial);
    trial.score = judge(*model);
    return trial;
  }

  void train(Labeller& model, const Ids& rows, FinetuneTrial& trial) const {
    const auto n = static_cast<std::int64_t>(rows.size());
    const std::int64_t per_epoch = (n + options_.batch_size - 1) / options_.batch_size;
    trial.steps = std::max(options_.epochs * per_epoch, options_.min_steps);
    const bool other_lr = !trial.pretrained && options_.scratch_lr > 0;
    const Schedule schedule{
        .shape = Schedule::Shape::linear,
        .base = other_lr ? options_.scratch_lr : options_.lr,
        .warmup = std::llround(options_.warmup * static_cast<double>(trial.steps)),
        .total = trial.steps};
    std::set<std::string> vectors;
    for (const NamedTensor& p : model.parameters())
      if (p.tensor.ndim() < 2) vectors.insert(p.name);
    AdamW adam(model.parameters(), {.weight_decay = options_.weight_decay},
               {{.holds = [&](const std::string& name) { return vectors.count(name) != 0; },
                 .weight_decay = 0}});
    Context context{.seed = trial.seed};
    double sum = 0;
    for (std::int64_t step = 0; step < trial.steps; step++) {
      context.epoch = step / per_epoch;
      const RandomKey order = context.key("finetune.shuffle");
      Ids ids;
      for (std::int64_t p = step % per_epoch * options_.batch_size;
           p < n && static_cast<std::int64_t>(ids.size()) < options_.batch_size; p++)
        ids.push_back(
            rows[permute(order, static_cast<std::uint64_t>(p), static_cast<std::uint64_t>(n))]);
      context.ids = row_ids(ids, 1, options_.device);
      adam.zero_grad();
      const Tensor loss =
          model.loss(context, read_rows(train_, ids, options_.device), options_.lm_weight);
      const double value = loss.item();
      backward(loss);
      const double norm = global_norm(adam.parameters());
      if (!std::isfinite(value) || !std::isfinite(norm))
        throw RunError("[finetune] the loss of step " + std::to_string(step + 1) +
                       " or its gradient is not finite; a lower rate (--lr) may help");
      adam.lr = schedule.at(step);
      adam.step(options_.clip > 0 ? clip_scale(norm, options_.clip) : 1);
      if (step >= trial.steps - per_epoch) sum += value;
    }
    trial.loss = sum / static_cast<double>(std::min(per_epoch, trial.steps));
  }

  LabelScore judge(Labeller& model) const {
    NoGrad guard;
    Context context{.training = false};
    Ids guess;
    for (std::int64_t begin = 0; begin < test_.size(); begin += kJudged) {
      const Ids ids = range(begin, std::min(test_.size(), begin + kJudged));
      context.ids = row_ids(ids, 1, options_.device);
      const Tensor scores = model.scores(context, read_rows(test_, ids, options_.device));
      const Ids best = argmax(scores).to_vector<std::int64_t>();
      guess.insert(guess.end(), best.begin(), best.end());
    }
    return truth_.judge(guess);
  }

  const Module& encoder_;
  const Source &train_, &test_;
  const FinetuneOptions& options_;
  Truth known_, truth_;
};

void check(const Module& encoder, const Source& train, const Source& test,
           const FinetuneOptions& o) {
  make_labeller(encoder, DataInfo::of(train), o.dropout);
  make_labeller(encoder, DataInfo::of(test), o.dropout);
  LACUNA_CHECK(train.size() > 0 && test.size() > 0, kOp, "needs rows: got ", train.size(), " in ",
               train.name(), " and ", test.size(), " in ", test.name());
  LACUNA_CHECK(train.classes() == test.classes(), kOp,
               "the test data must have the training data's classes, in that order: got ",
               test.classes().size(), " in ", test.name(), " for ", train.classes().size(), " in ",
               train.name());
  LACUNA_CHECK(has_tags(train) == has_tags(test), kOp,
               "both data must have labels of rows, or both tags of words: got ", test.name(),
               " for ", train.name());
  LACUNA_CHECK(!o.labels.empty() && o.seeds > 0 && o.epochs > 0 && o.batch_size > 0, kOp,
               "needs a number of labels, and at least one seed, epoch and row a step");
  for (std::int64_t labels : o.labels)
    LACUNA_CHECK(labels >= 0, kOp, "numbers of labels must be at least 0: got ", labels);
  LACUNA_CHECK(o.lr > 0 && o.warmup >= 0 && o.warmup <= 1 && o.lm_weight >= 0, kOp,
               "needs a rate above 0, a warm-up of 0 to 1 and a weight of at least 0: got ", o.lr,
               ", ", o.warmup, " and ", o.lm_weight);
}

template <class Get>
LabelScore each(Get&& get) {
  return {get(&LabelScore::accuracy), get(&LabelScore::f1)};
}

}  // namespace

LabelScore FinetuneArm::mean() const {
  return each([&](double LabelScore::*figure) {
    double sum = 0;
    for (const LabelScore& s : trials) sum += s.*figure;
    return sum / static_cast<double>(trials.size());
  });
}

LabelScore FinetuneArm::deviation() const {
  const LabelScore middle = mean();
  return each([&](double LabelScore::*figure) {
    double sum = 0;
    for (const LabelScore& s : trials) sum += std::pow(s.*figure - middle.*figure, 2);
    return trials.size() < 2 ? std::numeric_limits<double>::quiet_NaN()
                             : std::sqrt(sum / static_cast<double>(trials.size() - 1));
  });
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

FinetuneReport finetune(const Module& encoder, const Source& train, const Source& test,
                        const FinetuneOptions& options) {
  check(encoder, train, test, options);
  return Finetuning(encoder, train, test, options).run();
}

}  // namespace lacuna
