#pragma once
// What pretraining is good for: an encoder of text fine-tuned on labels, beside the same network from scratch with the same
// labels, order and number of steps. Each trial trains a network of its own (labeller.h), all of it, by AdamW with decay of
// matrices only, a linear rise and fall of the rate and clipping, and is judged on the whole test data. One trial a number of
// labels, seed and arm; a trial is a pure function of its seed.
#include <functional>
#include <limits>

#include "label_metrics.h"
#include "task.h"

namespace lacuna {

struct FinetuneTrial {
  std::int64_t labels = 0, steps = 0;
  std::uint64_t seed = 0;
  bool pretrained = false;
  double loss = 0;  // mean over the last epoch's steps
  LabelScore score = {};
};

struct FinetuneOptions {
  /// Rows to learn from; 0, or more than there are: all.
  std::vector<std::int64_t> labels = {100, 1000, 0};
  std::int64_t seeds = 3;  // seed, seed + 1, ...
  std::uint64_t seed = 0;
  std::int64_t epochs = 3, batch_size = 32;
  /// Of a trial, however few its epochs make: with few labels three epochs are too short to learn anything (Zhang, Wu,
  /// Katiyar, Weinberger, Artzi 2021).
  std::int64_t min_steps = 200;
  double lr = 5e-5;
  double scratch_lr = 0;  // of the network from scratch; 0: lr
  double warmup = 0.1;    // share of the steps
  double weight_decay = 0.01, clip = 1;
  double dropout = 0.1;    // before the linear layer; the encoder keeps its own
  double lm_weight = 0.5;  // labeller.h
  Device device = {};
  std::function<void(const FinetuneTrial&)> done = {};  // told of each trial
};

/// Trials that differ in nothing but their seed.
struct FinetuneArm {
  std::vector<LabelScore> trials;

  LabelScore mean() const;
  /// Standard deviation with n - 1; NaN of a single trial.
  LabelScore deviation() const;
};

struct FinetuneLine {
  std::int64_t labels = 0, steps = 0;
  FinetuneArm pretrained, scratch;
};

struct FinetuneReport {
  std::int64_t train = 0, test = 0;  // rows
  bool spans = false;                // f1 is that of spans, not of classes
  LabelScore majority;               // of guessing what the training rows have most of
  std::vector<FinetuneLine> lines;   // from few labels to many
};

/// Fails on an encoder or data that make_labeller() refuses, on test data of other fields or classes, and on options that make
/// no trial; RunError on a loss that is not finite.
FinetuneReport finetune(const Module& encoder, const Source& train, const Source& test,
                        const FinetuneOptions& options);

/// Rows 0 .. n - 1 in the order in which a trial of that seed takes more of them: a permutation of each class's rows, dealt in
/// turn, so that the first k are balanced as far as the rows are. labels: the class of each row.
std::vector<std::int64_t> balanced_order(const std::vector<std::int64_t>& labels,
                                         std::uint64_t seed);

}  // namespace lacuna
