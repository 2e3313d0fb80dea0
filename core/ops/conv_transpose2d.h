#pragma once
// Transposed convolution of channels-last images: every input pixel adds its channels, times the kernel, to a window
// of the output. Stride 2 doubles the size of an image.
#include "window.h"

namespace lacuna {

struct ConvTranspose2dOptions {
  Pair stride = 1;          // output pixels between the windows of two input pixels
  Pair padding = 0;         // output pixels dropped on each of both sides
  Pair output_padding = 0;  // output pixels more at the end; below the stride or the dilation
  Pair dilation = 1;
  std::int64_t groups = 1;
  Epilogue activation = Epilogue::none;  // applied to the result before it leaves the kernel
};

/// y (n, oh, ow, co) of x (n, h, w, ci), weight (ci, kh, kw, co / groups) and, where given, bias (co), with
/// oh = (h - 1) sh - 2 ph + dh (kh - 1) + 1 + output_padding, ow alike. With the same stride, padding and dilation it is
/// the gradient of conv2d with respect to its input. A batch of 0 gives an empty result.
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTranspose2dOptions& options = {});

}  // namespace lacuna
