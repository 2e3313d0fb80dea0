#include "eval_probe.h"

#include <fmt/format.h>

#include <cmath>

#include "../ssl/corrupted.h"
#include "../ssl/labelled.h"
#include "../ssl/trainer.h"
#include "format.h"

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
  options.value("--test", test_,
                "labelled data to judge by: its test split; unless given that of --data, or the "
                "run's --val",
                "SPEC");
  options.values("--shift", shifts_,
                 "judge by another data's test split, too, or by the test data with noise, blur, "
                 "contrast or brightness, of severity 1 to 5: noise:3. Nothing is tuned again",
                 "SPEC|KIND:N");
  declare_rules(options);
  options.value("--budget", budget_,
                "epochs of the supervised control; as many samples as the run has seen unless "
                "given; 0: none",
                "EPOCHS");
  options.value("--supervised-lr", supervised_lr_, "its learning rate; 1e-3", "RATE");
  options.value("--seed", seed_, "of the random network and of all that is learned here; 0", "N");
}

std::string EvalProbe::more_help() {
  return "\n--data is labelled data to learn from, its train split; the run's own unless given.\n"
         "Beside the run's encoder, frozen, stand the same network as it was drawn, the samples "
         "as\n"
         "they are, and the same network trained on the labels from scratch.\n";
}

void EvalProbe::open_data() {
  const std::string& own = config_.settings.text("data.train");
  const std::string& val = config_.settings.text("data.val");
  const std::string train = data_.empty() ? own : data_;
  const std::string test = !test_.empty() ? test_ : !data_.empty() || val.empty() ? train : val;
  const auto tokenizer = config_.info->text ? need_tokenizer(folder_) : nullptr;
  TextOptions text = text_options(*config_.info, config_.settings, tokenizer);
  train_ = open_source(train, "train", text);
  text.classes = train_->classes();
  sets_.push_back({"test", open_source(test, "test", text)});
  LACUNA_CHECK(description_of(*train_) != description_of(*sets_[0].source), protocol_.c_str(),
               "--test must not be what is learned from: got ", train, " and ", test);
  for (const std::string& shift : shifts_) {
    Corruption corruption;
    if (parse_corruption(shift, corruption))
      sets_.push_back({shift, corrupted(sets_[0].source, corruption)});
    else
      sets_.push_back({shift, open_source(shift, "test", text)});
  }
}

std::uint64_t EvalProbe::seed() const {
  return static_cast<std::uint64_t>(integer_option("--seed", seed_, 0, 1 << 30));
}

std::vector<const Source*> EvalProbe::tests() const {
  std::vector<const Source*> all;
  for (const Set& set : sets_) all.push_back(set.source.get());
  return all;
}

std::int64_t EvalProbe::budget(std::int64_t step) const {
  if (!budget_.empty()) return integer_option("--budget", budget_, 0, 1 << 20);
  const double seen =
      static_cast<double>(step) * static_cast<double>(config_.settings.integer("train.batch_size"));
  return std::max<std::int64_t>(1, std::llround(seen / static_cast<double>(train_->size())));
}

std::unique_ptr<VectorLabeller> EvalProbe::supervised(
    const std::function<std::unique_ptr<Task>()>& make) {
  auto task = make();
  task->model().initialize(0);
  const std::int64_t width = width_of(network("supervised", *task), *train_);
  auto model = std::make_unique<VectorLabeller>(
      std::move(task), width, static_cast<std::int64_t>(train_->classes().size()), false);
  model->initialize(seed());
  model->to(device_);
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < train_->size(); i++) rows.push_back(i);
  train_labeller(*model, *train_, rows,
                 {.epochs = budget_epochs_,
                  .batch_size = kSupervisedBatch,
                  .lr = number_option("--supervised-lr", supervised_lr_, 1e-12, 1e6),
                  .seed = seed(),
                  .device = device_});
  return model;
}

void EvalProbe::evaluate() {
  Classifier& judge = classifier();  // its options are looked at before anything takes time
  rules_ = judge.rules();
  open_data();
  const DataInfo info = DataInfo::of(*train_);
  const Trained trained = load(info);
  budget_epochs_ = budget(trained.step);
  const auto make = [&] { return config_.info->make(config_.settings, info); };
  if (!quiet_) print_head();
  nlohmann::ordered_json rows;
  std::vector<std::int64_t> guess;
  const auto line = [&](const Subject& subject) {
    const ProbeRow row = probe(subject, judge, *train_, tests(), device_);
    if (!quiet_) print_row(row);
    rows[row.subject] = to_json(row);
    if (rows.size() > 1) return;
    guess = row.guess;
    judged(*train_, *sets_[0].source);
  };
  line(network("pretrained", *trained.task));
  {
    const auto random = make();
    random->model().initialize(seed());
    random->model().to(device_);
    line(network("random_frozen", *random));
  }
  line(raw(info));
  if (budget_epochs_ > 0) {
    const auto model = supervised(make);
    line(network("supervised", model->task()));
  }
  const Truth truth(*sets_[0].source);
  nlohmann::ordered_json kept = {{"data", sets_[0].source->name()},
                                 {"train", train_->name()},
                                 {"train_rows", train_->size()},
                                 {"test_rows", sets_[0].source->size()},
                                 {"features", "encoder in evaluation, samples as they are"}};
  kept.update(options_json());
  kept["seed"] = seed();
  kept["budget_epochs"] = budget_epochs_;
  kept["supervised"] = {{"optimizer", "adamw"},
                        {"batch_size", kSupervisedBatch},
                        {"lr", number_option("--supervised-lr", supervised_lr_, 1e-12, 1e6)}};
  kept["rules"] = rules_;
  for (const Set& set : sets_) kept["sets"].push_back(set.name);
  kept["subjects"] = rows;
  kept["classes"] = train_->classes();
  kept["confusion"] =
      confusion(truth.labels, guess, static_cast<std::int64_t>(train_->classes().size()));
  keep(trained.step, kept);
}

void EvalProbe::print_head() const {
  fmt::print("{}, {} samples, to learn from; {}, {} samples, to judge by; {} classes\n{}\n",
             train_->name(), grouped(train_->size()), sets_[0].source->name(),
             grouped(sets_[0].source->size()), train_->classes().size(), describe_rules());
  for (std::size_t k = 1; k < sets_.size(); k++)
    fmt::print("shift {}: {}\n", k, sets_[k].source->name());
  fmt::print("accuracy in %\n\n{:<26}{:>7}", "", "width");
  for (const std::string& rule : rules_)
    for (std::size_t k = 0; k < sets_.size(); k++)
      fmt::print("{:>12}", k ? fmt::format("shift {}", k) : rule);
  fmt::print("\n");
  std::fflush(stdout);
}

void EvalProbe::print_row(const ProbeRow& row) const {
  fmt::print("{:<26}{:>7}", title_of_subject(row.subject), row.width);
  for (const auto& rule : row.scores)
    for (const LabelScore& score : rule) fmt::print("{:>12.1f}", 100 * score.accuracy);
  fmt::print("\n");
  std::fflush(stdout);
}

nlohmann::ordered_json EvalProbe::to_json(const ProbeRow& row) const {
  nlohmann::ordered_json json = {{"width", row.width}};
  if (row.hash) json["hash"] = fmt::format("{:016x}", row.hash);
  for (std::size_t r = 0; r < rules_.size(); r++)
    for (std::size_t k = 0; k < sets_.size(); k++)
      json[rules_[r]][sets_[k].name] = {{"accuracy", row.scores[r][k].accuracy},
                                        {"f1", row.scores[r][k].f1}};
  return json;
}

}  // namespace lacuna::tools
