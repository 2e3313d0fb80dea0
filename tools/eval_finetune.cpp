// lacuna eval finetune: classifiers and taggers made from a run's encoder, all of which is trained, beside the same network from
// scratch; ssl/finetune.h. Of pictures each epoch sees another view, the same one in every arm: a crop, perhaps mirrored, unless
// options say otherwise; and there are two more controls, of which a linear layer alone is trained: the same network as it was
// drawn, and the pixels. Test data is never augmented.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "../ssl/finetune.h"
#include "../ssl/trainer.h"
#include "../ssl/vector_labeller.h"
#include "eval_probe.h"
#include "format.h"
#include "scores.h"
#include "view_options.h"

namespace lacuna::tools {
namespace {

class EvalFinetune : public EvalLabelled {
 public:
  EvalFinetune() { protocol_ = "finetune"; }

 private:
  void declare_more(Options& options) override {
    declare_data(options, "100,1000,0", "3");
    options.value("--epochs", epochs_, "passes over the rows; 3; of pictures 20", "N");
    options.value("--min-steps", min_steps_, "but at least so many steps; 200", "N");
    options.value("--batch-size", batch_, "rows a step; 32", "N");
    options.value(
        "--lr", lr_,
        "learning rate, with 10 % of warm-up and then falling to 0; 5e-5; of pictures 1e-3",
        "RATE");
    options.value("--scratch-lr", scratch_lr_, "of the network from scratch; that of --lr", "RATE");
    options.value("--head-lr", head_lr_, "pictures: where a layer on top alone is trained; 1e-2",
                  "RATE");
    options.flag("--no-augment", as_they_are_, "pictures: learn from them as they are");
    views_.declare(options);
    options.value("--lm-weight", lm_weight_, "gpt: of the language model's loss beside; 0.5", "W");
    options.value("--length", length_, "tokens of a row; 128, or as many as the encoder takes",
                  "N");
  }
  std::string more_help() override {
    return EvalLabelled::more_help() +
           "Of text conll:FILE, words and their tags, is taken, too, and --test is needed.\n";
  }
  void evaluate() override;

  struct Start {
    std::vector<FinetuneCandidate> candidates;
    std::int64_t length = 0, step = 0;
    std::unique_ptr<Task> task;  // whose encoder the candidates start from
  };
  Start open_text();
  Start open_pictures();
  FinetuneOptions finetune_options();
  static void print_trial(const FinetuneTrial& trial);
  void print(const FinetuneReport& report) const;
  nlohmann::ordered_json to_json(const FinetuneReport& report, const FinetuneOptions& o) const;

  std::string epochs_, min_steps_ = "200", batch_ = "32", lr_, scratch_lr_ = "0", head_lr_ = "1e-2",
                       lm_weight_ = "0.5", length_;
  bool as_they_are_ = false;
  ViewOptions views_;
};

FinetuneOptions EvalFinetune::finetune_options() {
  FinetuneOptions o;
  o.labels = numbers_of_labels();
  o.seeds = seeds();
  o.seed = seed();
  o.epochs =
      integer_option("--epochs", epochs_.empty() ? of_text() ? "3" : "20" : epochs_, 1, 1 << 20);
  o.min_steps = integer_option("--min-steps", min_steps_, 0, 1 << 30);
  o.batch_size = integer_option("--batch-size", batch_, 1, 1 << 20);
  o.lr = number_option("--lr", lr_.empty() ? of_text() ? "5e-5" : "1e-3" : lr_, 1e-12, 1e6);
  o.scratch_lr = number_option("--scratch-lr", scratch_lr_, 0, 1e6);
  o.head_lr = number_option("--head-lr", head_lr_, 0, 1e6);
  o.lm_weight = number_option("--lm-weight", lm_weight_, 0, 1e6);
  LACUNA_CHECK(
      views_.given().empty() || (!of_text() && !as_they_are_), "usage", views_.given(),
      " is for views of pictures: ", of_text() ? "the run is of text" : "leave out --no-augment");
  if (!of_text() && !as_they_are_)
    o.augmentation = views_.augmentation(side_of_views(config_.settings));
  o.device = device_;
  if (!quiet_) o.done = print_trial;
  return o;
}

EvalFinetune::Start EvalFinetune::open_text() {
  TextOptions text;
  text.tokenizer = need_tokenizer(folder_);
  Trained trained = load(*text.tokenizer);
  const Module& encoder = trained.task->encoder();
  text.view.length = length_.empty() ? std::min<std::int64_t>(128, positions_of(encoder))
                                     : integer_option("--length", length_, 4, 1 << 20);
  open_sets(text);
  const double dropout = FinetuneOptions().dropout;
  for (const Source* test : tests())
    make_labeller(encoder, DataInfo::of(*test), dropout);  // fails where it does not fit
  Start start;
  start.candidates = text_candidates(encoder, DataInfo::of(*train_), dropout);
  start.length = text.view.length;
  start.step = trained.step;
  start.task = std::move(trained.task);
  return start;
}

EvalFinetune::Start EvalFinetune::open_pictures() {
  open_sets();
  const DataInfo info = DataInfo::of(*train_);
  Trained trained = load(info);
  Start start;
  start.candidates = vector_candidates(
      trained.task->encoder(), [this, info] { return config_.info->make(config_.settings, info); },
      *train_);
  start.step = trained.step;
  start.task = std::move(trained.task);
  return start;
}

void EvalFinetune::evaluate() {
  const Start start = of_text() ? open_text() : open_pictures();
  const FinetuneOptions options = finetune_options();
  if (!quiet_) {
    print_data();
    fmt::print("learns from {}\n\n",
               options.augmentation ? "views: " + views_.in_words() : "the samples as they are");
  }
  const FinetuneReport report = finetune(start.candidates, *train_, tests(), options);
  if (!quiet_) print(report);
  nlohmann::ordered_json line = data_json();
  if (of_text()) {
    line["length"] = start.length;
  } else {
    line["augmented"] = options.augmentation.has_value();
    if (options.augmentation) line["views"] = views_.to_json();
  }
  line.update(to_json(report, options));
  keep(start.step, line);
}

void EvalFinetune::print_trial(const FinetuneTrial& t) {
  fmt::print("{:>7} labels, seed {}, {:<23}  loss {:<9} accuracy {:.1f} %, F1 {:.1f} %\n",
             grouped(t.labels), t.seed, title_of_subject(t.arm), figure(t.loss),
             100 * t.scores[0].accuracy, 100 * t.scores[0].f1);
  std::fflush(stdout);
}

void EvalFinetune::print(const FinetuneReport& report) const {
  fmt::print("\naccuracy and {}, in %: mean{}\n\n",
             report.spans ? "F1 of whole spans" : "mean F1 of classes",
             seeds() == 1 ? "" : fmt::format(" ± standard deviation of {} seeds", seeds()));
  fmt::print("{:>8}{:>8}   {:<26}", "labels", "steps", "");
  for (std::size_t k = 0; k < sets_.size(); k++)
    fmt::print("{:<16}{:<16}", k ? fmt::format("shift {}", k) : "accuracy", "F1");
  fmt::print("\n");
  for (const FinetuneLine& line : report.lines)
    for (const FinetuneArm& arm : line.arms) {
      fmt::print("{:>8}{:>8}   {:<26}", grouped(line.labels), grouped(line.steps),
                 title_of_subject(arm.name));
      for (std::size_t k = 0; k < sets_.size(); k++) {
        const LabelScore mean = arm.mean(k), deviation = arm.deviation(k);
        fmt::print("{:<16}{:<16}", percent(mean.accuracy, deviation.accuracy),
                   percent(mean.f1, deviation.f1));
      }
      fmt::print("\n");
    }
  fmt::print("{:>16}   {:<26}", "", "commonest class");
  for (const LabelScore& majority : report.majority)
    fmt::print("{:<16.1f}{:<16.1f}", 100 * majority.accuracy, 100 * majority.f1);
  fmt::print("\n");
}

nlohmann::ordered_json EvalFinetune::to_json(const FinetuneReport& report,
                                             const FinetuneOptions& o) const {
  nlohmann::ordered_json line = {{"optimizer", "adamw"},
                                 {"epochs", o.epochs},
                                 {"min_steps", o.min_steps},
                                 {"batch_size", o.batch_size},
                                 {"lr", o.lr},
                                 {"scratch_lr", o.scratch_lr > 0 ? o.scratch_lr : o.lr},
                                 {"warmup", o.warmup},
                                 {"weight_decay", o.weight_decay},
                                 {"clip", o.clip}};
  if (of_text()) {
    line["dropout"] = o.dropout;
    line["lm_weight"] = o.lm_weight;
  } else {
    line["head_lr"] = o.head_lr > 0 ? o.head_lr : o.lr;
  }
  line["f1"] = report.spans ? "spans" : "classes";
  const auto shifted = [&](const auto& json_of) {
    nlohmann::ordered_json all;
    for (std::size_t k = 1; k < sets_.size(); k++) all[sets_[k].name] = json_of(k);
    return all;
  };
  const auto majority = [&](std::size_t k) {
    return nlohmann::ordered_json{{"accuracy", report.majority[k].accuracy},
                                  {"f1", report.majority[k].f1}};
  };
  line["majority"] = majority(0);
  if (sets_.size() > 1) line["majority"]["shift"] = shifted(majority);
  for (const FinetuneLine& l : report.lines) {
    nlohmann::ordered_json& here = line["labels"][std::to_string(l.labels)];
    here["steps"] = l.steps;
    for (const FinetuneArm& arm : l.arms) {
      here[arm.name] = tools::to_json(arm.trials[0]);
      if (sets_.size() > 1)
        here[arm.name]["shift"] =
            shifted([&](std::size_t k) { return tools::to_json(arm.trials[k]); });
    }
  }
  return line;
}

}  // namespace

extern const CommandInfo eval_finetune_command{
    "eval finetune", "labels from a run's encoder, beside the same network from scratch",
    make_command<EvalFinetune>};

}  // namespace lacuna::tools
