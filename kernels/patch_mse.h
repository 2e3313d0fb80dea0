#pragma once
// The loss of a masked autoencoder (He et al. 2022; forward_loss in the authors' code): the mean over hidden patches of
//   1/p sum_k (prediction_k - t_k)^2,   t = (target - mean) * rstd,   rstd = 1 / sqrt(var + eps)
// with mean and variance (divisor p - 1) of the target's patch, or t = target where it is not normalised. Patches that are
// not hidden are not looked at, be they NaN. Where none is hidden the loss is 0, and so is its gradient.
// Beside bf16 patches y, dy, stats and weight are f32, else of the patches' type.
#include "array.h"

namespace lacuna {

struct PatchMseForward {
  static constexpr const char* op = "patch_mse";
  Array y;  // out, 0-d
  Array
      stats;  // out, (rows, 2): mean and rstd of each hidden patch (0 and 1 as it is), for backward
  Array weight;      // out, 0-d: 1 / number of hidden patches, or 0
  Array prediction;  // (rows, p), contiguous
  Array target;      // the same
  Array hidden;      // (rows) u8 or bool, contiguous
  bool normalise = true;
  double eps = 1e-6;
};

/// dprediction = dy * weight * 2/p * (prediction - t) in hidden patches, 0 in the others.
struct PatchMseBackward {
  static constexpr const char* op = "patch_mse";
  Array dprediction;  // out; may be prediction
  Array dy;           // 0-d
  Array stats, weight, prediction, target, hidden;
};

void validate(const PatchMseForward&);
void validate(const PatchMseBackward&);

}  // namespace lacuna
