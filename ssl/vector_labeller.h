#pragma once
// Labels from the one vector that stands for a sample: linear(represent(sample)).
//
//   whole    the encoder is trained with the layer on top, BatchNorm by the batch's statistics: fine-tuning, or, from the weights
//            it was drawn with, learning from labels alone
//   frozen   only the layer is trained; the encoder is in evaluation and its statistics stay
//   raw      there is no encoder: the sample as it is (features.h)
#include "features.h"
#include "labeller.h"

namespace lacuna {

class VectorLabeller : public Labeller {
 public:
  /// A task with an encoder, to be trained or not, and vectors of `width` numbers (width_of).
  VectorLabeller(std::unique_ptr<Task> task, std::int64_t width, std::int64_t classes, bool frozen);
  /// Without an encoder.
  VectorLabeller(Subject raw, std::int64_t width, std::int64_t classes);

  Tensor scores(Context& context, const Batch& batch) override;
  Tensor loss(Context& context, const Batch& batch, double lm_weight) override;
  void start_from(const Module& trained) override;
  const Module* frozen() const override { return frozen_ ? &task_->encoder() : nullptr; }
  void members(Members& m) override;

  Task& task() { return *task_; }

 private:
  std::unique_ptr<Task> task_;
  Subject raw_;
  bool frozen_ = false;
  Linear head_;
};

}  // namespace lacuna
