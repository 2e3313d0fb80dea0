#pragma once
// Reductions over dimensions.
#include "../tensor.h"

namespace lacuna {

/// Sum of x over `dims` (all of them where empty), which go away unless `keep`.
Tensor sum(const Tensor& x, const Shape& dims = {}, bool keep = false);
/// The transpose of broadcast_to: sums x down to `shape`, which must broadcast to x's.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace lacuna
