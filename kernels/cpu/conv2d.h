#pragma once
// Convolution on cpu, shared by conv2d and conv_transpose2d: a transposed convolution is grad_input with a bias, and
// its gradients are forward and grad_weight with x and y exchanged.
#include <cstdint>

#include "../epilogue.h"
#include "../window.h"

namespace lacuna::cpu {

/// Sizes as a convolution's forward sees them: x (n, h, w, ci) -> y (n, oh, ow, co), weight (co, kh, kw, ci / groups).
/// oh and ow need not be what the window gives for h and w: taps that fall outside either image count as zero.
struct ConvSizes {
  std::int64_t n, h, w, ci, oh, ow, co, kh, kw, groups;
  Window2d window;
};

/// The same convolution where the kernel is as wide as the stride (patches, upsampling): the pixels that a window
/// covers lie side by side and are taken for channels of one pixel. Returns how many became one.
std::int64_t fold_columns(ConvSizes&);

/// What grad_input and forward do to their result.
template <class T>
struct ConvEnd {
  const T* bias = nullptr;
  Epilogue epilogue = Epilogue::none;
  const T* residual = nullptr;  // laid out as the result
};

// Plain loops: the reference.
void conv_forward(const ConvSizes&, const double* x, const double* weight, ConvEnd<double>,
                  double* y);
void conv_grad_input(const ConvSizes&, const double* dy, const double* weight, ConvEnd<double>,
                     double* dx);
void conv_grad_weight(const ConvSizes&, const double* dy, const double* x, double* dweight);

void conv_forward(const ConvSizes&, const float* x, const float* weight, ConvEnd<float>, float* y);
void conv_grad_input(const ConvSizes&, const float* dy, const float* weight, ConvEnd<float>,
                     float* dx);
void conv_grad_weight(const ConvSizes&, const float* dy, const float* x, float* dweight);

/// sums[c] = sum over r of x[r, c]; x is (rows, columns).
void column_sums(const double* x, std::int64_t rows, std::int64_t columns, double* sums);
void column_sums(const float* x, std::int64_t rows, std::int64_t columns, float* sums);

}  // namespace lacuna::cpu
