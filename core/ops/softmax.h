#pragma once
#include "../tensor.h"

namespace lacuna {

/// exp(x_j) / sum_k exp(x_k) along `dim`. A slice that is all -inf gives zeros.
Tensor softmax(const Tensor& x, int dim = -1);
/// x_j - log sum_k exp(x_k) along `dim`, without forming the softmax.
Tensor log_softmax(const Tensor& x, int dim = -1);

}  // namespace lacuna
