#pragma once
// A pretext task: what is hidden from the data, which modules fill the gap, and what the loss should do. One file a task
// (ssl/<name>.cpp) and one line in ssl/tasks.def; the trainer, the command and the reports know the rest from here.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../core/batch.h"
#include "../core/context.h"
#include "../nn/module.h"
#include "metrics.h"
#include "settings.h"

namespace lacuna {

/// What a step computed: `total` is differentiated, `parts` are for the log. `aside`, where given, is differentiated, too, and
/// is no part of the loss: that of a probe which watches the features, detached from them.
struct Losses {
  Tensor total;
  std::map<std::string, Tensor> parts;
  Tensor aside = {};
};

/// A picture for people: (H, W, C) u8 on cpu, C 1 or 3.
struct Picture {
  std::string name;
  Tensor pixels;
};

class Task {
 public:
  virtual ~Task() = default;

  /// Everything that is trained: the checkpoint's model.*.
  virtual Module& model() = 0;
  /// What transfers to other tasks.
  virtual Module& encoder() = 0;

  /// A look at the training data before the first step: means, loss floors. Called on a fresh run and on a resumed one.
  virtual void prepare(const Source& train) { (void)train; }
  /// Before the first step, too: fails where validation data does not fit in a way that its first batch need not show.
  virtual void check_validation(const Source& validation) { (void)validation; }

  /// Phases of one training step, each with its own backward and optimizer step (a GAN has two).
  virtual int phases() const { return 1; }
  /// Whether a parameter is trained in a phase.
  virtual bool trains(int phase, const std::string& parameter) const { return true; }
  /// The losses of one batch.
  virtual Losses step(Context& context, const Batch& batch, int phase = 0) = 0;
  /// How many terms the means in a batch's losses have, where that is not its number of samples: parts NAME and NAME_* are
  /// means of counts[NAME] terms, and the total is one of counts[""]. Without that one the total is the sum of the parts
  /// NAME_loss. From here the pieces of a batch (train.accumulate) and the batches of a validation get their weights.
  virtual std::map<std::string, std::int64_t> counts(Context&, const Batch&) { return {}; }
  /// Whether weight decay pulls at a parameter.
  virtual bool decays(const NamedTensor& parameter) const { return true; }
  /// What the learning rate is multiplied by for a parameter.
  virtual double lr_scale(const NamedTensor& parameter) const { return 1; }
  /// Whether its gradient counts in the norm that optim.clip limits. Not that of a probe, which only watches.
  virtual bool counts_in_norm(const NamedTensor& parameter) const { return true; }

  /// Whether every step of an epoch does the same work on other samples, so that it can be captured and replayed
  /// (train.graph): nothing that step() computes on the host may differ from one batch to the next.
  virtual bool repeats() const { return false; }

  virtual void begin_epoch(Context& context, const Source& train) {}
  virtual void end_epoch(Context& context, const Source& train) {}

  /// What else must survive a stop: queues, averages, assignments. Checkpointed as state.*; f32 or integers.
  virtual std::map<std::string, Tensor> state() { return {}; }
  virtual void load_state(const std::map<std::string, Tensor>& state) {}

  /// Loss expected of an untrained network, and a true lower bound of what is logged of training; NaN where there is no such
  /// figure. Other data, or batches of another size, may have another bound.
  virtual double loss_start() const;
  virtual double loss_floor() const;
  /// Loss of a network that has learned how often things are and nothing else (of text: the unigram entropy); or NaN.
  virtual double loss_plateau() const;

  /// Looks at each line of the log; gives back a line of warning, or "".
  virtual std::string watch(const Metrics& logged) { return ""; }

  /// What the encoder makes of each sample, one vector a row: (N, D) f32 on the encoder's device, differentiable, by encoder()
  /// alone. Nothing is hidden, augmented or drawn; pictures of another size than the encoder was trained on are resized to it.
  /// Layers that behave otherwise in training (BatchNorm, dropout) go by context.training: evaluation sets it to false,
  /// fine-tuning to true. The default is an Error: there is no such thing.
  virtual Tensor represent(Context& context, const Batch& batch);

  /// Pictures of what the task does to some samples, for samples/ and the report.
  virtual std::vector<Picture> pictures(Context& context, const Batch& batch) { return {}; }
};

/// What a task knows of its data before it sees any.
struct DataInfo {
  std::vector<Field> fields;
  Vocabulary vocabulary = {};
  std::vector<std::string> classes = {};

  static DataInfo of(const Source& source) {
    return {source.fields(), source.vocabulary(), source.classes()};
  }
};

/// What the command needs to know of a task before it makes one.
struct TaskInfo {
  const char* name;
  const char* line;            // one line for `lacuna list`
  void (*declare)(Settings&);  // its keys in [task] and [model], and its defaults for the others
  std::unique_ptr<Task> (*make)(const Settings&, const DataInfo& data);
  TextView (*text)(const Settings&) = nullptr;  // how it wants text cut; nullptr: it takes none
  /// What its own figures in the log mean, by their names, for --help and the report; nullptr: they go without saying.
  std::map<std::string, std::string> (*figures)() = nullptr;
};

/// All tasks, in the order of tasks.def.
const std::vector<const TaskInfo*>& tasks();
/// The task of that name, or an Error that suggests the nearest.
const TaskInfo& find_task(const std::string& name);

/// The choices of optim.optimizer.
std::vector<std::string> optimizer_names();

/// Declares what every run has: [data], [optim] and [train]; then the task's own keys.
void declare_run(Settings& settings, const TaskInfo& task);

/// The base of the schedule: optim.lr as optim.lr_scaling has it.
double learning_rate(const Settings& settings);

/// train.precision, or in the place of auto what its device computes in unless told otherwise: bf16 on cuda, f32 on cpu and emu.
std::string precision_of(const Settings& settings);

/// Makes precision_of() hold for the products of this process, and gives the type of activations. Fails where the device is
/// cpu and the precision is not f32.
Dtype use_precision(const Settings& settings);

/// Fails where a key differs that a resumed run must keep, and names those that it may change.
void check_resumable(const Settings& now, const Settings& before);

}  // namespace lacuna
