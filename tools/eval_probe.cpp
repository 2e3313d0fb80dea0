#include "eval_probe.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "../core/suggest.h"
#include "../ssl/augmentation.h"
#include "../ssl/labelled.h"
#include "../ssl/some_rows.h"
#include "format.h"
#include "scores.h"

namespace lacuna::tools {
namespace {

constexpr std::int64_t kSupervisedBatch = 64;

}  // namespace

std::string title_of_subject(const std::string& name) {
  if (name == "random_frozen") return "random, frozen";
  if (name == "raw") return "raw samples";
  if (name == "scratch" || name == "supervised") return "supervised from scratch";
  return name;
}

void EvalProbe::declare_more(Options& options) {
  declare_data(options, "0", "1");
  declare_rules(options);
  options.value("--budget", budget_,
                "epochs of the supervised control; as many samples as the run has seen unless "
                "given; 0: none",
                "EPOCHS");
  options.value("--supervised-lr", supervised_lr_, "its learning rate; 1e-3", "RATE");
}

std::string EvalProbe::more_help() {
  return EvalLabelled::more_help() +
         "Beside the run's encoder, frozen, stand the same network as it was drawn, the samples\n"
         "as they are, and the same network trained on the labels from scratch, on random crops\n"
         "and mirrors of pictures. Where the run has a task.size, an encoder sees pictures of\n"
         "that size: of others the shorter side is resized to size / 0.875 (up to 32 pixels: to\n"
         "size), and the centre cut out. Without one it sees them as they are.\n";
}

DataInfo EvalProbe::open_data() {
  if (!of_text()) {
    open_sets();
    return DataInfo::of(*train_);
  }
  const auto tokenizer = need_tokenizer(folder_);
  TextOptions text = text_options(*config_.info, config_.settings, tokenizer);
  text.new_tokens = false;  // of which a frozen network knows nothing
  open_sets(text);
  LACUNA_CHECK(!has_tags(*train_), protocol_.c_str(), "judges one vector a row, tsv:FILE; tags of ",
               "words are for `lacuna eval finetune`: got ", train_->name());
  return data_of(*config_.info, config_.settings, *tokenizer);
}

std::int64_t EvalProbe::budget(std::int64_t step) const {
  if (!budget_.empty()) return integer_option("--budget", budget_, 0, 1 << 20);
  const double seen =
      static_cast<double>(step) * static_cast<double>(config_.settings.integer("train.batch_size"));
  return std::max<std::int64_t>(1, std::llround(seen / static_cast<double>(train_->size())));
}

std::vector<std::int64_t> EvalProbe::rows_of(std::int64_t labels, std::uint64_t seed) const {
  std::vector<std::int64_t> rows = balanced_order(labels_of_train_, seed);
  rows.resize(static_cast<std::size_t>(labels));
  return rows;
}

std::shared_ptr<const Source> EvalProbe::lesson(std::int64_t labels, std::uint64_t seed) const {
  return labels == train_->size() ? train_ : some_rows(train_, rows_of(labels, seed));
}

std::unique_ptr<VectorLabeller> EvalProbe::supervised(const Make& make, std::int64_t labels,
                                                      std::uint64_t seed) {
  auto task = make();
  task->model().initialize(0);
  const std::int64_t width = width_of(network("supervised", *task), *train_);
  auto model = std::make_unique<VectorLabeller>(
      std::move(task), width, static_cast<std::int64_t>(train_->classes().size()), false);
  model->initialize(seed);
  model->to(device_);
  // With few labels as many steps as with all of them: as many samples are seen, more often.
  LabelledTraining training{.epochs = budget_epochs_, .batch_size = kSupervisedBatch};
  training.min_steps = training.steps(train_->size());
  training.lr = number_option("--supervised-lr", supervised_lr_, 1e-12, 1e6);
  if (!of_text())
    training.augmentation = augmentation_of(ViewKeys{}, side_of_views(config_.settings));
  training.seed = seed;
  training.device = device_;
  train_labeller(*model, *train_, rows_of(labels, seed), training);
  return model;
}

void EvalProbe::judge(const std::function<Subject(std::uint64_t)>& make, bool drawn,
                      const std::vector<std::int64_t>& labels) {
  std::vector<Row> rows(labels.size());
  std::optional<Probe> probe;
  for (std::int64_t i = 0; i < seeds(); i++) {
    const std::uint64_t seed = this->seed() + static_cast<std::uint64_t>(i);
    if (!probe || drawn) {
      Subject subject = make(seed);
      for (Row& row : rows) row.subject = subject.name;
      probe.emplace(std::move(subject), tests(), device_);
    }
    for (std::size_t k = 0; k < labels.size(); k++) {
      Row& row = rows[k];
      const auto train = lesson(labels[k], seed);
      const ProbeRow found = probe->run(classifier(), *train, seed);
      if (i == 0) {
        row.labels = labels[k];
        row.width = probe->width();
        row.hash = probe->hash();
        row.trials.assign(rules_.size(), std::vector<std::vector<LabelScore>>(sets_.size()));
      }
      for (std::size_t r = 0; r < rules_.size(); r++)
        for (std::size_t set = 0; set < sets_.size(); set++)
          row.trials[r][set].push_back(found.scores[r][set]);
      if (i > 0 || !rows_.empty() || k + 1 < labels.size()) continue;
      guess_ = found.guess;
      judged(*train, *sets_[0].source);
    }
  }
  for (const Row& row : rows) {
    if (!quiet_) print_row(row);
    rows_.push_back(row);
  }
}

void EvalProbe::check(const Subject& subject) const {
  LACUNA_CHECK(has_classes(*train_), protocol_.c_str(),
               "needs labels of at least two classes: got ", counted(train_->classes()), " in ",
               train_->name());
  const std::int64_t width = width_of(subject, *train_, device_);
  for (const Source* test : tests())
    LACUNA_CHECK(width_of(subject, *test, device_) == width, protocol_.c_str(), "vectors of ",
                 test->name(), " must be as wide as those of ", train_->name(), ": got ",
                 width_of(subject, *test, device_), " for ", width);
}

void EvalProbe::evaluate() {
  // Options are looked at before anything takes time, and data before anything is printed.
  rules_ = classifier().rules();
  (void)seeds(), (void)seed();
  const DataInfo info = open_data();
  const std::vector<std::int64_t> numbers = numbers_of_labels();
  const Trained trained = load(info);
  budget_epochs_ = budget(trained.step);
  const double supervised_lr = number_option("--supervised-lr", supervised_lr_, 1e-12, 1e6);
  const Subject pretrained = network("pretrained", *trained.task), pixels = raw(*train_);
  check(pretrained);
  check(pixels);
  const Make make = [&] { return config_.info->make(config_.settings, info); };
  const Truth known(*train_);
  labels_of_train_ = known.labels;
  if (!quiet_) print_head();
  judge([&](std::uint64_t) { return pretrained; }, false, numbers);
  std::unique_ptr<Task> random;
  judge(
      [&](std::uint64_t seed) {
        random = make();
        random->model().initialize(seed);
        random->model().to(device_);
        return network("random_frozen", *random);
      },
      true, numbers);
  judge([&](std::uint64_t) { return pixels; }, false, numbers);
  std::unique_ptr<VectorLabeller> model;
  if (budget_epochs_ > 0)
    for (const std::int64_t labels : numbers)
      judge(
          [&](std::uint64_t seed) {
            model = supervised(make, labels, seed);
            return network("supervised", model->task());
          },
          true, {labels});
  const Truth truth(*sets_[0].source);
  const LabelScore majority = truth.judge(
      std::vector<std::int64_t>(static_cast<std::size_t>(truth.size()), known.commonest()));
  if (!quiet_)
    fmt::print("{:<42}{:>14.1f}{:>14.1f}\n", "commonest class", 100 * majority.accuracy,
               100 * majority.f1);
  nlohmann::ordered_json kept = data_json();
  const std::int64_t side = of_text() ? 0 : side_of_views(config_.settings);
  kept["features"] =
      side == 0 ? "encoder in evaluation, samples as they are"
                : "encoder in evaluation, pictures of another size: central 0.875 (up to 32 "
                  "pixels: all) of the shorter side, resized to view_size";
  if (side > 0) kept["view_size"] = side;
  kept.update(options_json());
  kept["budget_epochs"] = budget_epochs_;
  if (budget_epochs_ > 0) {
    const ViewKeys views;
    const LabelledTraining training;
    kept["supervised"] = {{"optimizer", "adamw"},
                          {"batch_size", kSupervisedBatch},
                          {"lr", supervised_lr},
                          {"warmup", training.warmup},
                          {"weight_decay", training.weight_decay},
                          {"clip", training.clip}};
    if (!of_text())
      kept["supervised"].update(
          {{"crop", views.crop}, {"flip", views.flip}, {"interpolation", views.interpolation}});
  }
  kept["rules"] = rules_;
  for (const Row& row : rows_)
    kept["labels"][std::to_string(row.labels)][row.subject] = to_json(row);
  kept["majority"] = {{"accuracy", majority.accuracy}, {"f1", majority.f1}};
  kept["classes"] = train_->classes();
  kept["confusion"] =
      confusion(truth.labels, guess_, static_cast<std::int64_t>(train_->classes().size()));
  keep(trained.step, kept);
}

void EvalProbe::print_head() const {
  print_data();
  fmt::print("{}\naccuracy and mean F1 of classes, in %{}\n\n{:<26}{:>9}{:>7}", describe_rules(),
             seeds() > 1 ? fmt::format(": mean ± standard deviation of {} seeds", seeds()) : "", "",
             "labels", "width");
  for (const std::string& rule : rules_)
    for (std::size_t k = 0; k < sets_.size(); k++)
      fmt::print("{:>14}{:>14}", k ? fmt::format("shift {}", k) : rule, "F1");
  fmt::print("\n");
  std::fflush(stdout);
}

void EvalProbe::print_row(const Row& row) const {
  fmt::print("{:<26}{:>9}{:>7}", title_of_subject(row.subject), grouped(row.labels), row.width);
  for (const auto& rule : row.trials)
    for (const auto& trials : rule) {
      const LabelScore mean = mean_of(trials), deviation = deviation_of(trials);
      fmt::print("{:>14}{:>14}", percent(mean.accuracy, deviation.accuracy),
                 percent(mean.f1, deviation.f1));
    }
  fmt::print("\n");
  std::fflush(stdout);
}

nlohmann::ordered_json EvalProbe::to_json(const Row& row) const {
  nlohmann::ordered_json json = {{"width", row.width}};
  if (row.hash) json["hash"] = fmt::format("{:016x}", row.hash);
  for (std::size_t r = 0; r < rules_.size(); r++)
    for (std::size_t k = 0; k < sets_.size(); k++)
      json[rules_[r]][sets_[k].name] = tools::to_json(row.trials[r][k]);
  return json;
}

}  // namespace lacuna::tools
