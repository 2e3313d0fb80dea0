#include "finetune.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "../core/suggest.h"
#include "vector_labeller.h"

namespace lacuna {
namespace {

constexpr const char* kFinetuneOp = "finetune";

using Ids = std::vector<std::int64_t>;

class Finetuning {
 public:
  Finetuning(const std::vector<FinetuneCandidate>& candidates, const Source& train,
             const std::vector<const Source*>& tests, const FinetuneOptions& options)
      : candidates_(candidates), train_(train), tests_(tests), options_(options), known_(train) {
    for (const Source* test : tests) truths_.emplace_back(*test);
  }

  FinetuneReport run() {
    FinetuneReport report;
    report.train = train_.size();
    report.test = tests_.front()->size();
    report.spans = known_.tags && mark_spans(known_.names);
    for (const Truth& truth : truths_)
      report.majority.push_back(
          truth.judge(Ids(static_cast<std::size_t>(truth.size()), known_.commonest())));
    for (std::int64_t labels : numbers_of_labels()) {
      FinetuneLine line;
      line.labels = labels;
      for (const FinetuneCandidate& candidate : candidates_)
        line.arms.push_back({candidate.name, std::vector<std::vector<LabelScore>>(tests_.size())});
      for (std::int64_t i = 0; i < options_.seeds; i++)
        for (std::size_t k = 0; k < candidates_.size(); k++) {
          const FinetuneTrial trial =
              run(candidates_[k], labels, options_.seed + static_cast<std::uint64_t>(i));
          line.steps = trial.steps;
          for (std::size_t set = 0; set < tests_.size(); set++)
            line.arms[k].trials[set].push_back(trial.scores[set]);
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

  double rate_of(const FinetuneCandidate& candidate) const {
    const double own = !candidate.whole   ? options_.head_lr
                       : !candidate.start ? options_.scratch_lr
                                          : 0;
    return own > 0 ? own : options_.lr;
  }

  FinetuneTrial run(const FinetuneCandidate& candidate, std::int64_t labels,
                    std::uint64_t seed) const {
    const auto model = candidate.make();
    model->initialize(seed);
    if (candidate.start) model->start_from(*candidate.start);
    model->to(options_.device);
    Ids rows = balanced_order(
        known_.tags ? Ids(static_cast<std::size_t>(train_.size())) : known_.labels, seed);
    rows.resize(static_cast<std::size_t>(labels));
    const LabelledTraining training{.epochs = options_.epochs,
                                    .batch_size = options_.batch_size,
                                    .min_steps = options_.min_steps,
                                    .lr = rate_of(candidate),
                                    .warmup = options_.warmup,
                                    .weight_decay = options_.weight_decay,
                                    .clip = options_.clip,
                                    .lm_weight = options_.lm_weight,
                                    .augmentation = options_.augmentation,
                                    .seed = seed,
                                    .device = options_.device};
    FinetuneTrial trial{
        .arm = candidate.name, .labels = labels, .steps = training.steps(labels), .seed = seed};
    const Unmoved unmoved(candidate.name, model->frozen());
    trial.loss = train_labeller(*model, train_, rows, training);
    for (std::size_t set = 0; set < tests_.size(); set++)
      trial.scores.push_back(truths_[set].judge(guesses_of(*model, *tests_[set], options_.device)));
    unmoved.check();
    return trial;
  }

  const std::vector<FinetuneCandidate>& candidates_;
  const Source& train_;
  const std::vector<const Source*>& tests_;
  const FinetuneOptions& options_;
  Truth known_;
  std::vector<Truth> truths_;
};

void check(const Source& train, const Source& test, const FinetuneOptions& o) {
  LACUNA_CHECK(train.size() > 0 && test.size() > 0, kFinetuneOp, "needs rows: got ", train.size(),
               " in ", train.name(), " and ", test.size(), " in ", test.name());
  LACUNA_CHECK(train.classes() == test.classes(), kFinetuneOp,
               "the test data must have the training data's classes, in that order: got ",
               counted(test.classes()), " in ", test.name(), " for ", counted(train.classes()),
               " in ", train.name());
  LACUNA_CHECK(has_tags(train) == has_tags(test), kFinetuneOp,
               "both data must have labels of rows, or both tags of words: got ", test.name(),
               " for ", train.name());
  LACUNA_CHECK(!o.labels.empty() && o.seeds > 0 && o.epochs > 0 && o.batch_size > 0, kFinetuneOp,
               "needs a number of labels, and at least one seed, epoch and row a step");
  for (std::int64_t labels : o.labels)
    LACUNA_CHECK(labels >= 0, kFinetuneOp, "numbers of labels must be at least 0: got ", labels);
  LACUNA_CHECK(o.lr > 0 && o.warmup >= 0 && o.warmup <= 1 && o.lm_weight >= 0, kFinetuneOp,
               "needs a rate above 0, a warm-up of 0 to 1 and a weight of at least 0: got ", o.lr,
               ", ", o.warmup, " and ", o.lm_weight);
}

}  // namespace

std::vector<FinetuneCandidate> text_candidates(const Module& encoder, const DataInfo& data,
                                               double dropout) {
  make_labeller(encoder, data, dropout);
  const auto make = [&encoder, data, dropout] { return make_labeller(encoder, data, dropout); };
  return {{"pretrained", make, &encoder}, {"scratch", make}};
}

std::vector<FinetuneCandidate> vector_candidates(const Module& encoder,
                                                 const std::function<std::unique_ptr<Task>()>& make,
                                                 const Source& train) {
  const auto classes = static_cast<std::int64_t>(train.classes().size());
  LACUNA_CHECK(classes >= 2, kFinetuneOp, "needs labels of at least two classes: ", train.name(),
               " has ", classes);
  const auto initialized = [make] {
    auto task = make();
    task->model().initialize(0);
    return task;
  };
  const Subject samples = raw(train);
  const std::int64_t width = width_of(network("", *initialized()), train),
                     raw_width = width_of(samples, train);
  const auto on_network = [=](bool frozen) {
    return [=]() -> std::unique_ptr<Labeller> {
      return std::make_unique<VectorLabeller>(initialized(), width, classes, frozen);
    };
  };
  return {{"pretrained", on_network(false), &encoder},
          {"scratch", on_network(false)},
          {"random_frozen", on_network(true), nullptr, false},
          {"raw",
           [=]() -> std::unique_ptr<Labeller> {
             return std::make_unique<VectorLabeller>(samples, raw_width, classes);
           },
           nullptr, false}};
}

const FinetuneArm& FinetuneLine::arm(const std::string& name) const {
  for (const FinetuneArm& arm : arms)
    if (arm.name == name) return arm;
  fail(kFinetuneOp, "there is no arm \"", name, '"');
}

FinetuneReport finetune(const std::vector<FinetuneCandidate>& candidates, const Source& train,
                        const std::vector<const Source*>& tests, const FinetuneOptions& options) {
  LACUNA_CHECK(!tests.empty(), kFinetuneOp, "needs test data");
  for (const Source* test : tests) check(train, *test, options);
  return Finetuning(candidates, train, tests, options).run();
}

FinetuneReport finetune(const Module& encoder, const Source& train, const Source& test,
                        const FinetuneOptions& options) {
  const auto candidates = text_candidates(encoder, DataInfo::of(train), options.dropout);
  make_labeller(encoder, DataInfo::of(test), options.dropout);  // fails where it does not fit
  return finetune(candidates, train, {&test}, options);
}

}  // namespace lacuna
