#pragma once
// The linear probe on cached features: one pass makes the vectors, un-augmented, and a linear layer learns to tell classes from
// them. The layer starts at 0 and is trained by Adam on the mean cross-entropy, `batch` vectors a step in a new order each epoch,
// with a cosine of the rate to 0 and no early stop: the last epoch's layer is judged. Deterministic. The defaults are those of
// github.com/dkobak/simclr-cifar10, which takes a decay of 0 where vectors have 2,048 numbers.
#include <cstdint>
#include <vector>

#include "features.h"

namespace lacuna {

struct LinearProbeOptions {
  std::int64_t epochs = 500, batch = 1000;
  double lr = 0.01;
  double weight_decay = 5e-6;  // added to the gradient, as PyTorch's Adam does
  bool standardise =
      false;  // each feature minus its mean, over its deviation, both of what it learns from
  std::uint64_t seed = 0;  // of the order
};

class LinearProbe {
 public:
  explicit LinearProbe(const LinearProbeOptions& options, Device device = {});
  /// RunError where the loss is not finite.
  void fit(const Features& features, std::int64_t classes);
  /// Classes of vectors (n, d).
  std::vector<std::int64_t> guess(const Tensor& x) const;
  /// Mean loss of the last epoch's steps.
  double loss() const { return loss_; }

 private:
  Tensor prepared(const Tensor& x) const;

  LinearProbeOptions options_;
  Device device_;
  Tensor mean_, scale_, weight_, bias_;
  double loss_ = 0;
};

}  // namespace lacuna
