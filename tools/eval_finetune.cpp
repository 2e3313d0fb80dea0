// lacuna eval finetune: classifiers and taggers made from a run's encoder, all of which is trained, beside the same network from
// scratch; ssl/finetune.h. Of pictures the data is used as it is, un-augmented, and two more controls, of which a linear layer
// alone is trained: the same network as it was drawn, and the pixels. Numbers of labels are 100, 1% of the rows, 20/class or 0
// for all; which rows these are follows from the seed alone.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "../ssl/finetune.h"
#include "../ssl/trainer.h"
#include "../ssl/vector_labeller.h"
#include "eval_probe.h"
#include "format.h"

namespace lacuna::tools {
namespace {

// Rows to learn from, of `rows` in `classes`: 100, 1%, 20/class; 0 is all.
std::vector<std::int64_t> numbers(const char* name, const std::string& list, std::int64_t rows,
                                  std::int64_t classes) {
  const auto cut = [](std::string& text, const std::string& end) {
    const bool there =
        text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
    if (there) text.resize(text.size() - end.size());
    return there;
  };
  std::vector<std::int64_t> out;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    std::string item = list.substr(begin, end - begin);
    if (cut(item, "%"))
      out.push_back(std::max<std::int64_t>(
          1, std::llround(number_option(name, item, 1e-9, 100) / 100 * static_cast<double>(rows))));
    else if (cut(item, "/class"))
      out.push_back(integer_option(name, item, 1, 1 << 30) * classes);
    else
      out.push_back(integer_option(name, item, 0, 1 << 30));
    begin = end + 1;
  }
  return out;
}

std::string percent(double mean, double deviation) {
  return std::isfinite(deviation) ? fmt::format("{:.1f} ± {:.1f}", 100 * mean, 100 * deviation)
                                  : fmt::format("{:.1f}", 100 * mean);
}

class EvalFinetune : public Eval {
 public:
  EvalFinetune() { protocol_ = "finetune"; }

 private:
  void declare_more(Options& options) override {
    options.value("--test", test_, "labelled data to judge by: its test split", "SPEC");
    options.value("--labels", labels_,
                  "rows to learn from, one after another: 100, 1%, 20/class; 0: all; 100,1000,0",
                  "N,N,...");
    options.value("--seeds", seeds_, "trials of each kind; 3", "N");
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
    options.value("--lm-weight", lm_weight_, "gpt: of the language model's loss beside; 0.5", "W");
    options.value("--length", length_, "tokens of a row; 128, or as many as the encoder takes",
                  "N");
  }
  std::string more_help() override {
    return "\n--data is labelled data to learn from, its train split: tsv:FILE or conll:FILE of "
           "text,\nany pictures with labels, the run's own unless given. --test: of pictures the "
           "test split of "
           "--data, or the run's --val, unless given.\n";
  }
  void evaluate() override;

  struct Data {
    std::shared_ptr<const Source> train, test;
    std::vector<FinetuneCandidate> candidates;
    std::int64_t length = 0, step = 0;
    std::unique_ptr<Task> task;  // whose encoder the candidates start from
  };
  Data open_text() const;
  Data open_pictures() const;
  FinetuneOptions finetune_options(const Data& data) const;
  static void print_trial(const FinetuneTrial& trial);
  void print(const FinetuneReport& report) const;
  nlohmann::ordered_json to_json(const FinetuneReport& report, const FinetuneOptions& o) const;
  bool of_text() const { return config_.info->text != nullptr; }

  std::string test_, labels_ = "100,1000,0", seeds_ = "3", epochs_, min_steps_ = "200",
                     batch_ = "32", lr_, scratch_lr_ = "0", head_lr_ = "1e-2", lm_weight_ = "0.5",
                     length_;
};

FinetuneOptions EvalFinetune::finetune_options(const Data& data) const {
  FinetuneOptions o;
  o.labels = numbers("--labels", labels_, data.train->size(),
                     static_cast<std::int64_t>(data.train->classes().size()));
  o.seeds = integer_option("--seeds", seeds_, 1, 1000);
  o.epochs =
      integer_option("--epochs", epochs_.empty() ? of_text() ? "3" : "20" : epochs_, 1, 1 << 20);
  o.min_steps = integer_option("--min-steps", min_steps_, 0, 1 << 30);
  o.batch_size = integer_option("--batch-size", batch_, 1, 1 << 20);
  o.lr = number_option("--lr", lr_.empty() ? of_text() ? "5e-5" : "1e-3" : lr_, 1e-12, 1e6);
  o.scratch_lr = number_option("--scratch-lr", scratch_lr_, 0, 1e6);
  o.head_lr = number_option("--head-lr", head_lr_, 0, 1e6);
  o.lm_weight = number_option("--lm-weight", lm_weight_, 0, 1e6);
  o.device = device_;
  if (!quiet_) o.done = print_trial;
  return o;
}

EvalFinetune::Data EvalFinetune::open_text() const {
  LACUNA_CHECK(!data_.empty() && !test_.empty(), "usage", data_.empty() ? "--data" : "--test",
               " SPEC is missing: labelled text, tsv:FILE or conll:FILE, to ",
               data_.empty() ? "learn from" : "judge by");
  for (const std::string& spec : {data_, test_})
    LACUNA_CHECK(parse_spec(spec).scheme == "tsv" || parse_spec(spec).scheme == "conll", "finetune",
                 "takes labelled text, tsv:FILE or conll:FILE: got ", spec);
  Data data;
  TextOptions text;
  text.tokenizer = need_tokenizer(folder_);
  Trained trained = load(*text.tokenizer);
  const Module& encoder = trained.task->encoder();
  text.view.length = length_.empty() ? std::min<std::int64_t>(128, positions_of(encoder))
                                     : integer_option("--length", length_, 4, 1 << 20);
  data.train = open_source(data_, "train", text);
  text.classes = data.train->classes();
  data.test = open_source(test_, "test", text);
  if (!quiet_) warn_of_what_is_left_out({data.train.get(), data.test.get()});
  const double dropout = FinetuneOptions().dropout;
  make_labeller(encoder, DataInfo::of(*data.test), dropout);  // fails where it does not fit
  data.candidates = text_candidates(encoder, DataInfo::of(*data.train), dropout);
  data.length = text.view.length;
  data.step = trained.step;
  data.task = std::move(trained.task);
  return data;
}

EvalFinetune::Data EvalFinetune::open_pictures() const {
  Data data;
  const std::string train = data_.empty() ? config_.settings.text("data.train") : data_;
  data.train = open_source(train, "train");
  const std::string& val = config_.settings.text("data.val");
  const std::string test = !test_.empty() ? test_ : !data_.empty() || val.empty() ? train : val;
  data.test = open_source(test, "test");
  const DataInfo info = DataInfo::of(*data.train);
  Trained trained = load(info);
  data.candidates = vector_candidates(
      trained.task->encoder(), [this, info] { return config_.info->make(config_.settings, info); },
      *data.train);
  data.step = trained.step;
  data.task = std::move(trained.task);
  return data;
}

void EvalFinetune::evaluate() {
  const Data data = of_text() ? open_text() : open_pictures();
  LACUNA_CHECK(description_of(*data.train) != description_of(*data.test), "finetune",
               "--test must not be what is learned from: got ", data.train->name(), " and ",
               data.test->name());
  const FinetuneOptions options = finetune_options(data);
  if (!quiet_)
    fmt::print("{}, {} rows, to learn from; {}, {} rows, to judge by; {} classes\n\n",
               data.train->name(), grouped(data.train->size()), data.test->name(),
               grouped(data.test->size()), data.train->classes().size());
  const FinetuneReport report = finetune(data.candidates, *data.train, *data.test, options);
  if (!quiet_) print(report);
  nlohmann::ordered_json line = {{"data", data.test->name()},
                                 {"train", data.train->name()},
                                 {"train_rows", report.train},
                                 {"test_rows", report.test}};
  if (of_text())
    line["length"] = data.length;
  else
    line["augmented"] = false;
  line.update(to_json(report, options));
  keep(data.step, line);
}

void EvalFinetune::print_trial(const FinetuneTrial& t) {
  fmt::print("{:>7} labels, seed {}, {:<23}  loss {:<9} accuracy {:.1f} %, F1 {:.1f} %\n",
             grouped(t.labels), t.seed, title_of_subject(t.arm), figure(t.loss),
             100 * t.score.accuracy, 100 * t.score.f1);
  std::fflush(stdout);
}

void EvalFinetune::print(const FinetuneReport& report) const {
  fmt::print("\naccuracy and {}, in %: mean{}\n\n",
             report.spans ? "F1 of whole spans" : "mean F1 of classes",
             seeds_ == "1" ? "" : " ± standard deviation of " + seeds_ + " seeds");
  fmt::print("{:>8}{:>8}   {:<26}{:<16}{}\n", "labels", "steps", "", "accuracy", "F1");
  for (const FinetuneLine& line : report.lines)
    for (const FinetuneArm& arm : line.arms) {
      const LabelScore mean = arm.mean(), deviation = arm.deviation();
      fmt::print("{:>8}{:>8}   {:<26}{:<16}{}\n", grouped(line.labels), grouped(line.steps),
                 title_of_subject(arm.name), percent(mean.accuracy, deviation.accuracy),
                 percent(mean.f1, deviation.f1));
    }
  fmt::print("{:>16}   {:<26}{:<16.1f}{:.1f}\n", "", "commonest class",
             100 * report.majority.accuracy, 100 * report.majority.f1);
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
  nlohmann::ordered_json line = {{"seeds", o.seeds},
                                 {"optimizer", "adamw"},
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
  line["majority"] = {{"accuracy", report.majority.accuracy}, {"f1", report.majority.f1}};
  for (const FinetuneLine& l : report.lines) {
    nlohmann::ordered_json& here = line["labels"][std::to_string(l.labels)];
    here["steps"] = l.steps;
    for (const FinetuneArm& arm : l.arms) here[arm.name] = scores(arm);
  }
  return line;
}

}  // namespace

extern const CommandInfo eval_finetune_command{
    "eval finetune", "labels from a run's encoder, beside the same network from scratch",
    make_command<EvalFinetune>};

}  // namespace lacuna::tools
