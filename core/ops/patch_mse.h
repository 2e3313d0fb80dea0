#pragma once
#include "../tensor.h"

namespace lacuna {

struct PatchMseOptions {
  bool normalise = true;  // each target patch to mean 0 and variance 1
  double eps = 1e-6;      // added to its variance
};

/// Mean squared error over hidden patches, 0-d: prediction and target (..., p), hidden (...) u8 or bool, 1 where a patch
/// counts. Formula in kernels/patch_mse.h. Only prediction has a gradient. Where nothing is hidden it is 0.
Tensor patch_mse(const Tensor& prediction, const Tensor& target, const Tensor& hidden,
                 const PatchMseOptions& options = {});

}  // namespace lacuna
