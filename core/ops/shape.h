#pragma once
// Views and moves: the same values under another shape, layout, dtype or device.
#include "../tensor.h"

namespace lacuna {

/// x on another device; x itself where it is there already. Differentiable.
Tensor to(const Tensor& x, Device device);
/// x in another dtype; x itself where it has it already. Differentiable between floating-point types.
Tensor to(const Tensor& x, Dtype dtype);
/// x in row-major order; x itself where it is so already.
Tensor contiguous(const Tensor& x);

/// The same values in a new shape; one size may be -1 and is inferred. A view where x is contiguous, else a copy.
Tensor reshape(const Tensor& x, const Shape& shape);
/// Dimensions first .. last merged into one. flatten(x, 1) is (N, H*W*C) of (N, H, W, C).
Tensor flatten(const Tensor& x, int first = 0, int last = -1);
/// Dimensions in another order: permute(x, {0, 3, 1, 2}) is NCHW of NHWC. A view.
Tensor permute(const Tensor& x, const Shape& order);
/// Two dimensions exchanged. A view.
Tensor transpose(const Tensor& x, int a = -2, int b = -1);
/// x repeated along dimensions of size 1 (and new leading ones) to `shape`. A view with stride 0.
Tensor broadcast_to(const Tensor& x, const Shape& shape);
/// A dimension of size 1 put in at `dim`, or taken out. Views.
Tensor unsqueeze(const Tensor& x, int dim);
Tensor squeeze(const Tensor& x, int dim);
/// Elements begin, begin + step, ... below end of dimension `dim`. A view. Negative begin and end count from the back;
/// 0 <= begin <= end <= size after that, step >= 1.
Tensor slice(const Tensor& x, int dim, std::int64_t begin, std::int64_t end, std::int64_t step = 1);
/// Element `index` of dimension `dim`, which goes away. A view.
Tensor select(const Tensor& x, int dim, std::int64_t index);

}  // namespace lacuna
