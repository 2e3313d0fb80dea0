#pragma once
// Normalisation of rows; formulas in kernels/layer_norm.h.
#include "../tensor.h"

namespace lacuna {

/// (x - mean) / sqrt(var + eps) * gamma + beta over the last `dims` dimensions together. gamma and beta have the shape of
/// these dimensions, or are undefined (1 and 0).
Tensor layer_norm(const Tensor& x, const Tensor& gamma = {}, const Tensor& beta = {}, int dims = 1,
                  double eps = 1e-5);

/// x / max(|x|, eps), |x| the Euclidean norm along `dim`. A zero vector stays zero.
Tensor l2_normalise(const Tensor& x, int dim = -1, double eps = 1e-12);

}  // namespace lacuna
