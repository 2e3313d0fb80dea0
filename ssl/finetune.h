#pragma once
// What pretraining is good for where labels are few: an encoder fine-tuned on labels, beside the same network from scratch with the
// same labels, order, views and number of steps, and beside controls that leave the encoder alone. Each trial trains a network of its
// own (labeller.h, labelled.h): AdamW with decay of matrices only, a linear rise and fall of the rate, clipping. It is
// judged on the whole test data after its last step, and on sets whose look has shifted, for which nothing is tuned again. One
// trial a number of labels, seed and arm; a trial is a pure function of its seed, and which rows it learns from one of
// (seed, number of labels): the first ones of balanced_order().
#include <functional>
#include <limits>

#include "labelled.h"

namespace lacuna {

/// One of the networks that are compared, as they begin.
struct FinetuneCandidate {
  std::string name;
  std::function<std::unique_ptr<Labeller>()> make;  // not yet initialized
  const Module* start = nullptr;  // a trained encoder, where it does not start as it was drawn
  bool whole = true;              // its encoder is trained, too
};

/// Of text: "pretrained" and "scratch". The encoder outlives them. Fails on an encoder or data that make_labeller() refuses.
std::vector<FinetuneCandidate> text_candidates(const Module& encoder, const DataInfo& data,
                                               double dropout);
/// Of whatever a task represents: "pretrained" and "scratch", all of which is trained; "random_frozen", of which the layer on top
/// is trained, on the network as it was drawn; "raw", the layer on top of the samples as they are. make: the task, fresh.
std::vector<FinetuneCandidate> vector_candidates(const Module& encoder,
                                                 const std::function<std::unique_ptr<Task>()>& make,
                                                 const Source& train);

struct FinetuneTrial {
  std::string arm;
  std::int64_t labels = 0, steps = 0;
  std::uint64_t seed = 0;
  double loss = 0;                      // mean over the last epoch's steps
  std::vector<LabelScore> scores = {};  // of each test set
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
  double head_lr = 0;     // where only the layer on top is trained; 0: lr
  double warmup = 0.1;    // share of the steps
  double weight_decay = 0.01, clip = 1;
  double dropout = 0.1;    // of text, before the linear layer; the encoder keeps its own
  double lm_weight = 0.5;  // labeller.h
  std::optional<Augmentation> augmentation = {};  // of pictures; the same views in every arm
  Device device = {};
  std::function<void(const FinetuneTrial&)> done = {};  // told of each trial
};

struct FinetuneArm {
  std::string name;
  std::vector<std::vector<LabelScore>> trials;  // [test set][seed]

  LabelScore mean(std::size_t set = 0) const { return mean_of(trials.at(set)); }
  LabelScore deviation(std::size_t set = 0) const { return deviation_of(trials.at(set)); }
};

struct FinetuneLine {
  std::int64_t labels = 0, steps = 0;
  std::vector<FinetuneArm> arms;

  /// By its name, which must be there.
  const FinetuneArm& arm(const std::string& name) const;
};

struct FinetuneReport {
  std::int64_t train = 0, test = 0;  // rows, of the first test set
  bool spans = false;                // f1 is that of spans, not of classes
  std::vector<LabelScore>
      majority;  // of each test set: guessing what the training rows have most of
  std::vector<FinetuneLine> lines;  // from few labels to many
};

/// tests: at least one. Fails on test data of other fields or classes, and on options that make no trial; RunError on a loss that
/// is not finite, and where a frozen encoder moves.
FinetuneReport finetune(const std::vector<FinetuneCandidate>& candidates, const Source& train,
                        const std::vector<const Source*>& tests, const FinetuneOptions& options);
/// Of text.
FinetuneReport finetune(const Module& encoder, const Source& train, const Source& test,
                        const FinetuneOptions& options);

}  // namespace lacuna
