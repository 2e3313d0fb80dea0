#include "task.h"

#include <cmath>
#include <limits>

#include "../core/suggest.h"
#include "../kernels/precision.h"
#include "../kernels/winograd.h"

namespace lacuna {

double Task::loss_start() const { return std::numeric_limits<double>::quiet_NaN(); }
double Task::loss_floor() const { return std::numeric_limits<double>::quiet_NaN(); }
double Task::loss_plateau() const { return std::numeric_limits<double>::quiet_NaN(); }

Tensor Task::represent(Context&, const Batch&) {
  fail("represent", "this task has no one vector a sample that could be judged");
}

#define TASK(name) extern const TaskInfo name##_task;
#include "tasks.def"
#undef TASK

const std::vector<const TaskInfo*>& tasks() {
  static const std::vector<const TaskInfo*> all = {
#define TASK(name) &name##_task,
#include "tasks.def"
#undef TASK
  };
  return all;
}

const TaskInfo& find_task(const std::string& name) {
  std::vector<std::string> names;
  std::string list;
  for (const TaskInfo* task : tasks()) {
    if (task->name == name) return *task;
    names.push_back(task->name);
    list += (list.empty() ? "" : ", ") + names.back();
  }
  const std::string close = suggestion(name, names);
  fail("task", "no task named \"", name, "\"", close.empty() ? "; there are: " + list : close);
}

std::vector<std::string> optimizer_names() { return {"adam", "adamw", "lamb", "lars", "sgd"}; }

void declare_run(Settings& s, const TaskInfo& task) {
  const double huge = 1e15;
  s.declare("task.name", std::string(task.name), "the pretext task", {task.name});
  s.declare("data.train", std::string(), "what to train on: a data SPEC");
  s.declare("data.val", std::string(), "what to validate on; empty: nothing");
  s.declare("data.shuffle", true, "a new order every epoch");
  if (task.text) {
    s.declare("data.tokenizer", std::string(),
              "wordpiece:vocab.txt, bpe:DIR, hf:tokenizer.json, or char: the characters of the "
              "training text; empty: the data's own");
    s.declare("data.documents", std::string(),
              "where a document ends: file, blank (line) or heading; empty: file for windows, else "
              "blank",
              {"", "file", "blank", "heading"});
    s.declare("data.sentences", std::string("rules"), "where a sentence ends: by rules, or lines",
              {"rules", "lines"});
    s.declare("data.cache", std::string(),
              "folder for texts as tokens; empty: $LACUNA_CACHE, or one in ~/.cache")
        .of_machine = true;
  }
  s.declare("data.drop_last", false, "leave out an epoch's last batch where it is short");
  s.declare("data.workers", std::int64_t{1}, "threads that prepare batches ahead; 0: none", 0, 256)
      .of_machine = true;

  s.declare("optim.optimizer", std::string("adamw"), "adam, adamw, lamb, lars or sgd",
            optimizer_names());
  s.declare("optim.lr", 1e-3, "learning rate", 0, 1e6);
  s.declare("optim.lr_scaling", std::string("none"),
            "what optim.lr is multiplied by: none: 1; linear: batch_size / 256; sqrt: the square "
            "root of batch_size",
            {"none", "linear", "sqrt"});
  s.declare("optim.weight_decay", 0.0,
            "adam, lars, sgd: added to the gradient; adamw, lamb: decoupled", 0, 1e6);
  s.declare("optim.beta1", 0.9, "adam, lamb: decay of the first moment", 0, 1);
  s.declare("optim.beta2", 0.999, "adam, lamb: decay of the second moment", 0, 1);
  s.declare("optim.eps", 1e-8, "adam, lamb: added to the root of the second moment", 0, 1);
  s.declare("optim.bias_correction", true,
            "adam, lamb: divide the moments by what they would be after so few steps");
  s.declare("optim.momentum", 0.0, "sgd, lars: momentum", 0, 1);
  s.declare("optim.trust", 1e-3, "lars: a step's size beside that of the parameter", 0, 1e6);
  s.declare("optim.nesterov", false, "sgd: Nesterov's momentum");
  s.declare("optim.clip", 0.0, "largest global norm of the gradient; 0: no clipping", 0, 1e12);
  s.declare("optim.schedule", std::string("constant"),
            "of the learning rate after warm-up: constant, linear or cosine (to final_lr), step",
            {"constant", "linear", "cosine", "step"});
  s.declare("optim.warmup", std::int64_t{0}, "steps of linear warm-up", 0, huge);
  s.declare("optim.warmup_epochs", 0.0, "epochs of it, instead; 0: optim.warmup steps", 0, 1e9);
  s.declare("optim.final_lr", 0.0, "linear, cosine: learning rate at the end", 0, 1e6);
  s.declare("optim.step_every", std::int64_t{1000}, "schedule step: steps between drops", 1, huge);
  s.declare("optim.step_gamma", 0.1, "schedule step: factor of a drop", 0, 1);

  s.declare("train.epochs", std::int64_t{1}, "passes over the data", 0, 1e9).resumable = true;
  s.declare("train.steps", std::int64_t{0},
            "steps, instead of epochs; 0: as many as the epochs have", 0, huge)
      .resumable = true;
  s.declare("train.batch_size", std::int64_t{64}, "samples a step", 1, 1 << 20);
  s.declare("train.accumulate", std::int64_t{1},
            "pieces that a batch is computed in, one after another: less memory, the same step", 1,
            1 << 20);
  s.declare("train.seed", std::int64_t{0}, "of initial values, order and masks", 0, huge);
  s.declare("train.log_every", std::int64_t{100}, "steps between lines of metrics.jsonl", 1, huge);
  s.declare("train.eval_every", std::int64_t{0}, "steps between validations; 0: after every epoch",
            0, huge);
  s.declare("train.save_every", std::int64_t{0}, "steps between checkpoints; 0: after every epoch",
            0, huge);
  s.declare("train.patience", std::int64_t{0},
            "stop after so many validations without a better loss; 0: never", 0, huge);
  s.declare("train.pictures", std::int64_t{8}, "samples shown in samples/ at each validation", 0,
            64);
  s.declare("train.precision", std::string("auto"),
            "f32; on cuda and emu also tf32 (products and convolutions) and bf16 (all that flows "
            "between layers; parameters, their gradients, norms' statistics and losses stay f32); "
            "auto: bf16 on cuda, else f32",
            {"auto", "f32", "tf32", "bf16"})
      .of_machine = true;
  s.declare("train.gemm", std::string("own"),
            "matrix products on cuda: own kernels, or cublaslt where the build has it",
            {"own", "cublaslt"})
      .of_machine = true;
  s.declare(
       "train.winograd", true,
       "3x3 convolutions on cpu by Winograd's F(4x4, 3x3) where that pays: about twice as fast, "
       "rounding about twice as much")
      .of_machine = true;
  s.declare("train.device", std::string("cpu"), "cpu, cuda, cuda:1, ... or emu").of_machine = true;
  s.declare("train.graph", false,
            "on cuda and emu: capture a step once and replay it (a CUDA graph); the results are "
            "the same")
      .of_machine = true;
  s.declare("train.threads", std::int64_t{0}, "threads of the kernels; 0: one a core", 0, 1024)
      .of_machine = true;

  task.declare(s);
}

double learning_rate(const Settings& s) {
  const double lr = s.number("optim.lr"),
               batch = static_cast<double>(s.integer("train.batch_size"));
  const std::string& scaling = s.text("optim.lr_scaling");
  return scaling == "linear" ? lr * batch / 256 : scaling == "sqrt" ? lr * std::sqrt(batch) : lr;
}

std::string precision_of(const Settings& settings) {
  const std::string& precision = settings.text("train.precision");
  if (precision != "auto") return precision;
  return parse_device(settings.text("train.device")).type == DeviceType::cuda ? "bf16" : "f32";
}

Dtype use_precision(const Settings& settings) {
  const std::string precision = precision_of(settings);
  const Device device = parse_device(settings.text("train.device"));
  LACUNA_CHECK(precision == "f32" || device.type != DeviceType::cpu, "config",
               "train.precision=", precision,
               " is for cuda and emu: cpu computes in f32 (--precision f32)");
  set_winograd(settings.flag("train.winograd"));
  set_precision(precision == "tf32" ? Precision::tf32 : Precision::f32);
  return precision == "bf16" ? Dtype::bf16 : Dtype::f32;
}

void check_resumable(const Settings& now, const Settings& before) {
  const auto may_change = [](const Key& key) { return key.resumable || key.of_machine; };
  for (const Key& key : now.keys()) {
    const std::string name = key.section + "." + key.name;
    const Value& then = before.key(name).value;
    if (may_change(key) || key.value == then) continue;
    std::string others;
    for (const Key& other : now.keys())
      if (may_change(other))
        others += (others.empty() ? "" : ", ") + other.section + "." + other.name;
    fail("resume", name, " was ", to_string(then), " and cannot become ", to_string(key.value),
         " in the middle of a run (only ", others, " can): start a new one with --init");
  }
}

}  // namespace lacuna
