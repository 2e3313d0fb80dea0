// lacuna train TASK: pretrains a task on data, into a run folder.
#include <fmt/format.h>

#include <cmath>

#include "../core/storage.h"
#include "../datasets/loader.h"
#include "../datasets/spec.h"
#include "../kernels/cpu/parallel.h"
#include "../ssl/trainer.h"
#include "command.h"
#include "config.h"
#include "facts.h"
#include "format.h"
#include "progress.h"
#include "text.h"
#include "text_samples.h"

namespace lacuna::tools {
namespace {

/// A flag that is a shorthand for a key of the settings.
struct Flag {
  const char *name, *key, *placeholder, *help;
};
constexpr Flag kFlags[] = {
    {"--data", "data.train", "SPEC", "what to train on; `lacuna list` says what there is"},
    {"--tokenizer", "data.tokenizer", "SPEC", "of text: wordpiece:FILE, bpe:DIR, hf:FILE or char"},
    {"--val", "data.val", "SPEC", "what to validate on (its test split)"},
    {"--epochs", "train.epochs", "N", "passes over the data"},
    {"--steps", "train.steps", "N", "steps, instead of epochs"},
    {"--batch-size", "train.batch_size", "N", "samples a step"},
    {"--lr", "optim.lr", "X", "learning rate"},
    {"--seed", "train.seed", "N", "of initial values, order and masks"},
    {"--device", "train.device", "DEVICE", "cpu, cuda, cuda:1, ... or emu"},
    {"--precision", "train.precision", "P", "f32; on cuda and emu also tf32 and bf16 (cuda: bf16)"},
    {"--threads", "train.threads", "N", "threads of the kernels; 0: one a core"},
    {"--log-every", "train.log_every", "N", "steps between two logged lines"},
    {"--eval-every", "train.eval_every", "N", "steps between two validations"},
    {"--save-every", "train.save_every", "N", "steps between two checkpoints"},
};

class Train : public Command {
 public:
  void declare(Options& options) override {
    options.positional("TASK", task_, "one of those that `lacuna list` names");
    for (std::size_t i = 0; i < std::size(kFlags); i++)
      options.value(kFlags[i].name, flags_[i], kFlags[i].help, kFlags[i].placeholder);
    options.value("--out", folder_.path, "the run folder, new unless --resume", "DIR");
    options.value("--init", init_, "start from the weights of another run, or of a file", "RUN");
    options.value("--config", config_, "settings; flags and --set count for more", "FILE.toml");
    options.values("--set", sets_, "any key of the settings; may be given often", "key=value");
    options.flag("--resume", resume_, "continue the run in --out, exactly");
    options.flag("--quiet", quiet_, "print nothing but errors");
  }

  std::string more_help() override;
  int run() override;

 private:
  Settings new_settings(const TaskInfo& info) const;
  Settings resumed_settings(const TaskInfo& info) const;
  void apply_flags(Settings& settings) const;
  void warn_of_new_length(const Settings& settings, std::int64_t steps) const;
  static void check_same_fields(const Source& data, const Source& validation);
  static void print_opening(const Facts& facts, const Settings& settings);
  void print_closing(const Facts& facts) const;

  std::string task_, init_, config_, flags_[std::size(kFlags)];
  std::vector<std::string> sets_;
  RunFolder folder_;
  bool resume_ = false, quiet_ = false;
};

std::string Train::more_help() {
  if (task_.empty()) return "\n`lacuna train TASK --help` lists every key of --set and --config.\n";
  const Settings settings = settings_of(find_task(task_));
  std::string text =
      "\nKeys of " + task_ + " (--set key=value, or in [sections] of --config FILE.toml)\n";
  std::string section;
  for (const Key& k : settings.keys()) {
    if (k.section != section) text += fmt::format("\n[{}]\n", section = k.section);
    static const char* const types[] = {"true or false", "whole number", "number", "text"};
    std::string type = types[k.preset.index()];
    if (!k.choices.empty()) type = fmt::format("{}", fmt::join(k.choices, " | "));
    const std::string preset = to_string(k.preset);
    text += fmt::format("  {:<18}{}\n{:<20}{}; default {}\n", k.name, k.meaning, "", type,
                        preset.empty() ? "none" : preset);
  }
  if (const auto figures = find_task(task_).figures) {
    text += "\nIts own figures in metrics.jsonl\n";
    for (const auto& [name, meaning] : figures())
      text += fmt::format("  {:<18}{}\n", name, meaning);
  }
  return text;
}

void Train::apply_flags(Settings& settings) const {
  for (std::size_t i = 0; i < std::size(kFlags); i++)
    if (!flags_[i].empty()) settings.set(kFlags[i].key, flags_[i]);
  const auto given = [&](std::string_view name) {
    for (std::size_t i = 0; i < std::size(kFlags); i++)
      if (name == kFlags[i].name) return !flags_[i].empty();
    return false;
  };
  if (given("--epochs") && !given("--steps")) settings.set("train.steps", std::string("0"));
  set_keys(settings, sets_);
}

Settings Train::new_settings(const TaskInfo& info) const {
  LACUNA_CHECK(!folder_.used(), "train", folder_.path,
               " holds a run already: continue it with --resume, or give another --out");
  Settings settings = settings_of(info);
  if (!config_.empty()) read_config_file(settings, config_);
  apply_flags(settings);
  return settings;
}

Settings Train::resumed_settings(const TaskInfo& info) const {
  RunConfig before = read_run(folder_);
  LACUNA_CHECK(before.info == &info, "train", folder_.path, " is a run of ", before.info->name,
               ": it cannot be resumed as ", info.name);
  LACUNA_CHECK(config_.empty() && init_.empty(), "train",
               "--resume takes settings and weights from the run: leave out ",
               config_.empty() ? "--init" : "--config");
  Settings settings = before.settings;
  apply_flags(settings);
  check_resumable(settings, before.settings);
  return settings;
}

// What would fail at the first validation, hours later.
void Train::check_same_fields(const Source& data, const Source& validation) {
  const auto fields = data.fields();
  for (const Field& theirs : validation.fields())
    for (const Field& ours : fields)
      LACUNA_CHECK(
          ours.name != theirs.name || (ours.shape == theirs.shape && ours.dtype == theirs.dtype),
          "train", "--val must hold what --data holds: ", theirs.name, " is ", theirs.shape, " ",
          name_of(theirs.dtype), " in ", validation.name(), ", but ", ours.shape, " ",
          name_of(ours.dtype), " in ", data.name());
}

// A run that is made longer or shorter does not go back over the learning rates that it has had.
void Train::warn_of_new_length(const Settings& settings, std::int64_t steps) const {
  const std::string& schedule = settings.text("optim.schedule");
  const std::int64_t before = read_facts(folder_).steps;
  if (before == 0 || before == steps || (schedule != "linear" && schedule != "cosine")) return;
  fmt::print(stderr,
             "lacuna: warning: the {} schedule now ends at step {}, no longer at {}: the learning "
             "rate jumps here\n",
             schedule, grouped(steps), grouped(before));
}

int Train::run() {
  const TaskInfo& info = find_task(task_);
  LACUNA_CHECK(!folder_.path.empty(), "usage", "--out DIR is missing: where the run is to be kept");
  // A run that was killed before it wrote its settings has done nothing yet.
  const bool resumes = resume_ && folder_.used();
  Settings settings = resumes ? resumed_settings(info) : new_settings(info);
  settings.set("train.precision", precision_of(settings));
  const Device device = use_machine(settings);
  LACUNA_CHECK(!settings.text("data.train").empty(), "usage",
               "--data SPEC is missing: what to train on; `lacuna list` says what there is");

  const auto tokenizer =
      resumes && info.text ? read_tokenizer(folder_) : make_tokenizer(info, settings);
  const TextOptions text = text_options(info, settings, tokenizer);
  const std::shared_ptr<const Source> data =
      open_source(settings.text("data.train"), "train", text);
  std::shared_ptr<const Source> validation;
  if (!settings.text("data.val").empty())
    validation = open_source(settings.text("data.val"), "test", text);
  if (validation) check_same_fields(*data, *validation);
  if (!quiet_) warn_of_what_is_left_out({data.get(), validation.get()});
  LoaderOptions reading;
  reading.batch_size = settings.integer("train.batch_size");
  reading.shuffle = settings.flag("data.shuffle");
  reading.drop_last = settings.flag("data.drop_last");
  reading.seed = static_cast<std::uint64_t>(settings.integer("train.seed"));
  reading.threads = static_cast<int>(settings.integer("data.workers"));
  Loader train(data, reading);
  std::unique_ptr<Loader> val;
  if (validation) {
    reading.shuffle = reading.drop_last = false;
    val = std::make_unique<Loader>(validation, reading);
  }

  const auto task = info.make(settings, DataInfo::of(*data));
  task->prepare(*data);
  if (!init_.empty()) {
    task->model().initialize(static_cast<std::uint64_t>(settings.integer("train.seed")));
    load_weights(*task, info, fingerprint(tokenizer.get()), init_);
  }

  Trainer trainer(*task, settings, train, val.get(), folder_.path, fingerprint(tokenizer.get()));
  folder_.create();
  folder_.lock();
  LACUNA_CHECK(resumes || !folder_.used(), "train", folder_.path,
               " was taken by another run meanwhile: give another --out");
  if (resumes) trainer.resume();
  if (resumes && !quiet_) warn_of_new_length(settings, trainer.steps());
  if (tokenizer) tokenizer->save(folder_.tokenizer());
  write_settings(folder_, settings);  // last: what is refused leaves the folder as it was

  Facts facts;
  facts.task = info.name;
  facts.data = data->name();
  facts.validation = validation ? validation->name() : "";
  facts.device = to_string(device);
  facts.processor = processor_name();
  facts.version = LACUNA_VERSION;
  facts.samples = data->size();
  facts.threads = cpu::threads();
  for (const auto& p : task->model().parameters()) facts.parameters += p.tensor.numel();
  facts.loss_start = task->loss_start();
  facts.loss_floor = task->loss_floor();
  facts.loss_plateau = task->loss_plateau();
  facts.step = trainer.step();
  facts.steps = trainer.steps();
  const Facts before = resumes ? read_facts(folder_) : Facts();  // its peaks are the run's, too
  facts.peak_tensor_bytes = before.peak_tensor_bytes;
  facts.peak_resident_bytes = before.peak_resident_bytes;
  write_facts(folder_, facts);
  catch_interrupts();
  if (!quiet_) print_opening(facts, settings);
  std::function<std::string()> samples;
  if (tokenizer)
    samples = [&] {
      return text_samples(*task, *tokenizer, validation ? *validation : *data, device);
    };
  Progress progress(reading.batch_size, train.per_epoch(), folder_.samples(), quiet_, samples);
  trainer.run(progress);

  facts.step = trainer.step();
  facts.peak_tensor_bytes =
      std::max(before.peak_tensor_bytes, memory_stats(device.type).peak_bytes);
  facts.peak_resident_bytes = std::max(before.peak_resident_bytes, peak_resident_bytes());
  write_facts(folder_, facts);
  if (!quiet_) print_closing(facts);
  return interrupt_signal() ? 128 + interrupt_signal() : 0;
}

void Train::print_opening(const Facts& f, const Settings& settings) {
  fmt::print("{} on {} ({} samples), {} parameters\n", f.task, f.data, grouped(f.samples),
             grouped(f.parameters));
  fmt::print("{} steps of {} samples on {}", grouped(f.steps), settings.integer("train.batch_size"),
             f.device);
  fmt::print("{}\n", f.device == "cpu"
                         ? fmt::format(", {} thread{}", f.threads, f.threads == 1 ? "" : "s")
                         : ", " + settings.text("train.precision"));
  // What an untrained network should show, what frequencies alone give, and what no network can get below on
  // the training data in its batches: a validation's may be smaller, and with them their floor.
  std::vector<std::string> losses;
  const auto say = [&](const char* what, double loss) {
    if (std::isfinite(loss)) losses.push_back(fmt::format("{} {}", what, figure(loss)));
  };
  say("starts near", f.loss_start);
  say("frequencies alone give", f.loss_plateau);
  say("in training cannot go below", f.loss_floor);
  if (!losses.empty()) fmt::print("loss: {}\n", fmt::join(losses, ", "));
  std::fflush(stdout);
}

void Train::print_closing(const Facts& f) const {
  if (f.step < f.steps && interrupt_signal())
    fmt::print("stopped at step {} of {}; go on with: lacuna train {} --out {} --resume\n",
               grouped(f.step), grouped(f.steps), f.task, folder_.path);
  else
    fmt::print("done: {} steps; {} of tensors at the peak, {} resident; {}\n", grouped(f.step),
               bytes(static_cast<double>(f.peak_tensor_bytes)),
               bytes(static_cast<double>(f.peak_resident_bytes)), folder_.path);
}

}  // namespace

extern const CommandInfo train_command{"train", "pretrain a task on data, into a run folder",
                                       make_command<Train>};

}  // namespace lacuna::tools
