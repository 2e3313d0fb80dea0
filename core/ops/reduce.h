#pragma once
// Reductions over dimensions `dims` (all of them where empty; negative ones count from the back), which go away unless
// `keep`. f32, f64 and bf16; sums are
// carried on in f64.
#include "../tensor.h"

namespace lacuna {

/// 0 where there is nothing to sum.
Tensor sum(const Tensor& x, const Shape& dims = {}, bool keep = false);
/// NaN where there is nothing to average, as in NumPy and PyTorch.
Tensor mean(const Tensor& x, const Shape& dims = {}, bool keep = false);
/// sum (x - mean)^2 / (n - 1), or / n where not `unbiased`, in two passes. NaN where the divisor is 0.
Tensor var(const Tensor& x, const Shape& dims = {}, bool keep = false, bool unbiased = true);
/// The largest and the smallest element; NaN where there is one. The gradient goes to the first (in row-major order) of
/// equal ones. Fails where there is no element.
Tensor max(const Tensor& x, const Shape& dims = {}, bool keep = false);
Tensor min(const Tensor& x, const Shape& dims = {}, bool keep = false);
/// log sum exp(x), without overflow; -inf where there is nothing to sum.
Tensor logsumexp(const Tensor& x, const Shape& dims = {}, bool keep = false);
/// Index (i64) along `dim`, which goes away, of the first largest element; a NaN counts as more than any number.
Tensor argmax(const Tensor& x, int dim = -1);

/// The sum over all dimensions but the last, f32 where dy is bf16: what a bias's gradient is. Not on the tape.
Tensor bias_gradient(const Tensor& dy);

/// The transpose of broadcast_to: sums x down to `shape`, which must broadcast to x's.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace lacuna
