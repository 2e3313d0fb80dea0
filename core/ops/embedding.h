#pragma once
// A table of vectors.
#include "../tensor.h"

namespace lacuna {

/// y (..., d): row ids[...] of weight (n, d), for ids of any shape, i64, in [0, n). An id that is out of range is an error
/// that names it and where it stands. Gradients of an id that comes more than once add up in a fixed order. Row `padding`,
/// where that is not negative, gets no gradient.
Tensor embedding(const Tensor& weight, const Tensor& ids, std::int64_t padding = -1);

}  // namespace lacuna
