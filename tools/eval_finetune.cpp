// lacuna eval finetune: classifiers and taggers made from a run's encoder, beside the same network from scratch.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "../ssl/finetune.h"
#include "../ssl/labeller.h"
#include "../ssl/trainer.h"
#include "eval.h"
#include "format.h"

namespace lacuna::tools {
namespace {

std::vector<std::int64_t> numbers(const char* name, const std::string& list) {
  std::vector<std::int64_t> out;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    out.push_back(integer_option(name, list.substr(begin, end - begin), 0, 1 << 30));
    begin = end + 1;
  }
  return out;
}

const char* name_of(bool pretrained) { return pretrained ? "pretrained" : "from scratch"; }

std::string percent(double mean, double deviation) {
  return std::isfinite(deviation) ? fmt::format("{:.1f} ± {:.1f}", 100 * mean, 100 * deviation)
                                  : fmt::format("{:.1f}", 100 * mean);
}

class EvalFinetune : public Eval {
 public:
  EvalFinetune() { protocol_ = "finetune"; }

 private:
  void declare_more(Options& options) override {
    options.value("--test", test_, "labelled text to judge by: its test split", "SPEC");
    options.value("--labels", labels_, "rows to learn from, one after another; 0: all; 100,1000,0",
                  "N,N,...");
    options.value("--seeds", seeds_, "trials of each kind; 3", "N");
    options.value("--epochs", epochs_, "passes over the rows; 3", "N");
    options.value("--min-steps", min_steps_, "but at least so many steps; 200", "N");
    options.value("--batch-size", batch_, "rows a step; 32", "N");
    options.value("--lr", lr_, "learning rate, with 10 % of warm-up and then falling to 0; 5e-5",
                  "RATE");
    options.value("--scratch-lr", scratch_lr_, "of the network from scratch; that of --lr", "RATE");
    options.value("--lm-weight", lm_weight_, "gpt: of the language model's loss beside; 0.5", "W");
    options.value("--length", length_, "tokens of a row; 128, or as many as the encoder takes",
                  "N");
  }
  std::string more_help() override {
    return "\n--data is labelled text to learn from, its train split: tsv:FILE or conll:FILE.\n";
  }
  void evaluate() override;

  FinetuneOptions finetune_options() const;
  static void print_trial(const FinetuneTrial& trial);
  void print(const FinetuneReport& report) const;
  nlohmann::ordered_json to_json(const FinetuneReport& report, const FinetuneOptions& o) const;

  std::string test_, labels_ = "100,1000,0", seeds_ = "3", epochs_ = "3", min_steps_ = "200",
                     batch_ = "32", lr_ = "5e-5", scratch_lr_ = "0", lm_weight_ = "0.5", length_;
};

FinetuneOptions EvalFinetune::finetune_options() const {
  FinetuneOptions o;
  o.labels = numbers("--labels", labels_);
  o.seeds = integer_option("--seeds", seeds_, 1, 1000);
  o.epochs = integer_option("--epochs", epochs_, 1, 1 << 20);
  o.min_steps = integer_option("--min-steps", min_steps_, 0, 1 << 30);
  o.batch_size = integer_option("--batch-size", batch_, 1, 1 << 20);
  o.lr = number_option("--lr", lr_, 1e-12, 1e6);
  o.scratch_lr = number_option("--scratch-lr", scratch_lr_, 0, 1e6);
  o.lm_weight = number_option("--lm-weight", lm_weight_, 0, 1e6);
  o.device = device_;
  if (!quiet_) o.done = print_trial;
  return o;
}

void EvalFinetune::evaluate() {
  LACUNA_CHECK(!data_.empty() && !test_.empty(), "usage", data_.empty() ? "--data" : "--test",
               " SPEC is missing: labelled text, tsv:FILE or conll:FILE, to ",
               data_.empty() ? "learn from" : "judge by");
  for (const std::string& spec : {data_, test_})
    LACUNA_CHECK(parse_spec(spec).scheme == "tsv" || parse_spec(spec).scheme == "conll", "finetune",
                 "takes labelled text, tsv:FILE or conll:FILE: got ", spec);
  check_task(config_.info->text != nullptr);
  const FinetuneOptions options = finetune_options();
  TextOptions text;
  text.tokenizer = need_tokenizer(folder_);
  const Trained trained = load(*text.tokenizer);
  const Module& encoder = trained.task->encoder();
  text.view.length = length_.empty() ? std::min<std::int64_t>(128, positions_of(encoder))
                                     : integer_option("--length", length_, 4, 1 << 20);
  const auto train = open_source(data_, "train", text);
  text.classes = train->classes();
  const auto test = open_source(test_, "test", text);
  LACUNA_CHECK(description_of(*train) != description_of(*test), "finetune",
               "--test must not be what is learned from: got ", data_, " and ", test_);
  if (!quiet_) warn_of_what_is_left_out({train.get(), test.get()});
  if (!quiet_)
    fmt::print("{}, {} rows, to learn from; {}, {} rows, to judge by; {} classes\n\n",
               train->name(), grouped(train->size()), test->name(), grouped(test->size()),
               train->classes().size());
  const FinetuneReport report = finetune(encoder, *train, *test, options);
  if (!quiet_) print(report);
  nlohmann::ordered_json line = {{"data", test->name()},
                                 {"train", train->name()},
                                 {"train_rows", report.train},
                                 {"test_rows", report.test},
                                 {"length", text.view.length}};
  line.update(to_json(report, options));
  keep(trained.step, line);
}

void EvalFinetune::print_trial(const FinetuneTrial& t) {
  fmt::print("{:>7} labels, seed {}, {:<12}  loss {:<9} accuracy {:.1f} %, F1 {:.1f} %\n",
             grouped(t.labels), t.seed, name_of(t.pretrained), figure(t.loss),
             100 * t.score.accuracy, 100 * t.score.f1);
  std::fflush(stdout);
}

void EvalFinetune::print(const FinetuneReport& report) const {
  fmt::print("\naccuracy and {}, in %: mean{}\n\n",
             report.spans ? "F1 of whole spans" : "mean F1 of classes",
             seeds_ == "1" ? "" : " ± standard deviation of " + seeds_ + " seeds");
  fmt::print("{:>8}{:>8}   {:<32}{}\n{:>8}{:>8}   ", "", "", "accuracy", "F1", "labels", "steps");
  fmt::print("{0:<16}{1:<16}{0:<16}{1}\n", name_of(true), name_of(false));
  for (const FinetuneLine& line : report.lines) {
    const LabelScore p = line.pretrained.mean(), dp = line.pretrained.deviation(),
                     s = line.scratch.mean(), ds = line.scratch.deviation();
    fmt::print("{:>8}{:>8}   {:<16}{:<16}{:<16}{}\n", grouped(line.labels), grouped(line.steps),
               percent(p.accuracy, dp.accuracy), percent(s.accuracy, ds.accuracy),
               percent(p.f1, dp.f1), percent(s.f1, ds.f1));
  }
  fmt::print("{:>16}   {:<32.1f}{:.1f}\n", "commonest", 100 * report.majority.accuracy,
             100 * report.majority.f1);
}

nlohmann::ordered_json EvalFinetune::to_json(const FinetuneReport& report,
                                             const FinetuneOptions& o) const {
  const auto scores = [](const FinetuneArm& arm) {
    const LabelScore mean = arm.mean(), deviation = arm.deviation();
    nlohmann::ordered_json json = {{"accuracy", mean.accuracy},
                                   {"accuracy_std", deviation.accuracy},
                                   {"f1", mean.f1},
                                   {"f1_std", deviation.f1}};
    for (const LabelScore& s : arm.trials) json["trials"].push_back({s.accuracy, s.f1});
    return json;
  };
  nlohmann::ordered_json line = {
      {"seeds", o.seeds},
      {"epochs", o.epochs},
      {"min_steps", o.min_steps},
      {"batch_size", o.batch_size},
      {"lr", o.lr},
      {"scratch_lr", o.scratch_lr > 0 ? o.scratch_lr : o.lr},
      {"lm_weight", o.lm_weight},
      {"f1", report.spans ? "spans" : "classes"},
      {"majority", {{"accuracy", report.majority.accuracy}, {"f1", report.majority.f1}}}};
  for (const FinetuneLine& l : report.lines)
    line["labels"][std::to_string(l.labels)] = {
        {"steps", l.steps}, {"pretrained", scores(l.pretrained)}, {"scratch", scores(l.scratch)}};
  return line;
}

}  // namespace

extern const CommandInfo eval_finetune_command{
    "eval finetune", "labels from a run's encoder, beside the same network from scratch",
    make_command<EvalFinetune>};

}  // namespace lacuna::tools
