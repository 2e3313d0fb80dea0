#pragma once
// Matrix products.
#include "../../kernels/epilogue.h"
#include "../tensor.h"

namespace lacuna {

struct MatmulOptions {
  bool transpose_a = false;  // a is (..., k, m); read so, and never copied
  bool transpose_b = false;  // b is (..., n, k)
};

/// c (..., m, n) = a (..., m, k) b (..., k, n). Leading dimensions broadcast as NumPy does; both operands have at least
/// two. k = 0 gives zeros.
Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});

struct LinearOptions {
  Epilogue activation = Epilogue::none;  // applied to the result before it leaves the kernel
};

/// y (..., out) = activation(x (..., in) weight^T + bias + residual) for any leading dimensions; weight (out, in), and where
/// given bias (out) and residual (shape of y).
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const LinearOptions& options = {}, const Tensor& residual = {});

}  // namespace lacuna
