#pragma once
// The loop around a task: batches in, optimizer steps, a log line now and then, checkpoints, exact resume.
//
// A run is a pure function of (settings, data): order, masks and dropout come from counters, so a run that was killed and
// resumed writes the same metrics (times aside) and the same checkpoint as one that was not. What a checkpoint cannot
// recompute it stores; what it can (the loader's position, random numbers) follows from the step.
#include <map>
#include <string>
#include <vector>

#include "../core/safetensors.h"
#include "../nn/optim/early_stopping.h"
#include "../nn/optim/optimizer.h"
#include "metrics.h"
#include "task.h"

namespace lacuna {

class CapturedStep;
struct Staged;

/// Told what happens, as it happens. The command draws its progress bar and writes pictures from here.
struct Observer {
  virtual ~Observer() = default;
  virtual void started(std::int64_t step, std::int64_t steps) {}
  virtual void stepped(std::int64_t step, double loss) {}
  virtual void logged(const Metrics& metrics) {}
  virtual void evaluated(const Metrics& metrics) {}
  virtual void epoch_ended(std::int64_t epoch, double mean_loss) {}
  /// Time to show what the network can do; pictures come by themselves.
  virtual void show(std::int64_t step) {}
  virtual void pictures(std::int64_t step, const std::vector<Picture>& pictures) {}
  virtual void warned(const std::string& line) {}
  /// True asks the trainer to stop after this step, with a checkpoint.
  virtual bool interrupted() { return false; }
};

/// A run's checkpoint, with its "step" among the metadata. Fails where the file is none, is of another task or `tokenizer`
/// (where both are known), or of settings that a resumed run may not change.
Safetensors read_checkpoint(const std::string& path, const Settings& settings,
                            const std::string& tokenizer = "");

/// The name of the first parameter that holds a number which is not finite; empty where there is none.
std::string first_not_finite(const Module& model);

/// What of the data a run depends on, in words: "50000 samples of image (32, 32, 3) u8, label () i64, contents 9f86d081884c7d65".
/// The contents are those of up to 256 samples, spread over all: FNV-1a of their bytes (Fowler, Noll, Vo).
std::string description_of(const Source& source);

class Trainer {
 public:
  /// `folder` is the run folder, which exists from run() on; `validation` may be null: its first batch is tried here, so that data
  /// which a task cannot use is an error before anything is begun. The settings are those that declare_run() made. `tokenizer`
  /// tells the data's tokenizer apart from others; checkpoints hold it, and a run goes on with no other. "": none.
  Trainer(Task& task, Settings settings, Batches& train, Batches* validation, std::string folder,
          std::string tokenizer = "");
  ~Trainer();

  /// Continues from the folder's checkpoint, cutting metrics.jsonl and eval.jsonl to its step; where there is none yet,
  /// starts anew. Fails where the checkpoint is of another task, of other settings or of other data.
  void resume();
  /// Trains to the end. Throws Error on a loss that is not finite, after naming the first op that made it; the last
  /// checkpoint stays.
  void run(Observer& observer);

  std::int64_t step() const { return step_; }
  std::int64_t steps() const { return steps_; }

 private:
  StateDict state();
  void save(const std::string& name);
  void start_step(const Staged& now);
  std::map<std::string, double> finish_step(const Batch& batch);
  Tensor update(const Batch& batch, int phase);
  Losses judge(Context& context, const Batch& batch);
  void try_validation();
  Metrics evaluate();
  void show(Observer& observer);
  double epoch() const;
  std::int64_t every(const char* key) const;
  [[noreturn]] void explain_nonfinite(const Batch& batch, int phase, double loss);

  Task& task_;
  Settings settings_;
  Batches& train_;
  Batches* validation_;
  std::string folder_, tokenizer_, data_;  // data_: description_of the training data
  Device device_;
  Context context_;
  std::vector<std::unique_ptr<Optimizer>> optimizers_;  // one a phase
  std::vector<std::vector<NamedTensor>> in_norm_;       // of each phase, what optim.clip looks at
  std::unique_ptr<CapturedStep> captured_;              // with train.graph
  std::vector<Tensor> results_;  // update()'s of the step under way, one a phase
  std::vector<std::vector<std::string>> part_names_;  // of the further losses, one list a phase
  EarlyStopping stopping_;
  std::int64_t step_ = 0, steps_ = 0;
  double seconds_before_ = 0;  // of earlier sittings, from metrics.jsonl
  double step_loss_ = 0, log_sum_ = 0, epoch_sum_ = 0;
  std::map<std::string, double>
      part_sums_;  // of a task's further losses, over the same steps as log_sum_
  std::int64_t log_count_ = 0, epoch_count_ = 0;
};

}  // namespace lacuna
