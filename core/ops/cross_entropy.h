#pragma once
#include "../tensor.h"

namespace lacuna {

struct CrossEntropyOptions {
  std::int64_t ignore_index = -100;  // rows with this target do not count
  double label_smoothing = 0;        // in [0, 1]: mixes the target with the uniform distribution
};

/// Mean over the counted rows of -log softmax(logits)[target]; 0-d. logits (..., C), targets (...) i64 in [0, C). Where no
/// row counts it is 0 with zero gradients (PyTorch gives NaN).
Tensor cross_entropy(const Tensor& logits, const Tensor& targets,
                     const CrossEntropyOptions& options = {});

}  // namespace lacuna
