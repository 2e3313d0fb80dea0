#pragma once
// How a labeller (labeller.h) learns from rows of labelled data and is judged on others: what fine-tuning and the supervised
// controls of every probe have in common.
#include <functional>
#include <optional>

#include "../kernels/augment_image.h"
#include "label_metrics.h"
#include "labeller.h"

namespace lacuna {

/// The labels of a whole source, or the tags of its words.
struct Truth {
  bool tags;
  std::vector<std::string> names;
  std::vector<std::int64_t> labels;
  std::vector<std::vector<std::int64_t>> sentences;

  /// Fails on a label that is none of the classes.
  explicit Truth(const Source& source);
  /// As many guesses as there are labels or words, in order.
  LabelScore judge(const std::vector<std::int64_t>& guess) const;
  /// What there is most of.
  std::int64_t commonest() const;
  /// Of labels, or of words.
  std::int64_t size() const;
};

/// Whether words have labels and not whole rows.
bool has_tags(const Source& source);

struct LabelledTraining {
  std::int64_t epochs = 3, batch_size = 32;
  std::int64_t min_steps = 0;  // but at least so many
  double lr = 5e-5;
  double warmup = 0.1;  // share of the steps; then a linear fall to 0
  double weight_decay = 0.01, clip = 1;
  double lm_weight = 0;                           // labeller.h
  std::optional<Augmentation> augmentation = {};  // of pictures, a new view of each every epoch
  std::uint64_t seed = 0;                         // of the order, the views and dropout
  Device device = {};

  /// Steps of a training on so many rows.
  std::int64_t steps(std::int64_t rows) const;
};

/// Trains all of `model` that takes gradients by AdamW, with decay of matrices only, on rows of `train` in a new order each epoch;
/// gives the mean loss over the last epoch's steps. A sample's view is a pure function of (seed, epoch, row of `train`), whatever
/// model sees it. RunError where the loss is not finite.
double train_labeller(Labeller& model, const Source& train, const std::vector<std::int64_t>& rows,
                      const LabelledTraining& options);

/// What a labeller takes all labels, or tags, of a source for. Nothing is augmented.
std::vector<std::int64_t> guesses_of(Labeller& model, const Source& source, Device device = {});

/// Rows 0 .. n - 1 in the order in which a trial of that seed takes more of them: a permutation of each class's rows, dealt in
/// turn, so that the first k are balanced as far as the rows are. labels: the class of each row.
std::vector<std::int64_t> balanced_order(const std::vector<std::int64_t>& labels,
                                         std::uint64_t seed);

}  // namespace lacuna
