#pragma once
// Convolution of channels-last images, as every deep-learning library means it (cross-correlation).
#include "window.h"

namespace lacuna {

struct ChannelMoments;  // batch_norm.h

struct Conv2dOptions {
  Pair stride = 1;    // pixels between two windows
  Pair padding = 0;   // zeros on each of both sides
  Pair dilation = 1;  // pixels between two taps of the kernel
  std::int64_t groups = 1;
  Epilogue activation = Epilogue::none;  // applied to the result before it leaves the kernel
};

/// y (n, oh, ow, co) of x (n, h, w, ci), weight (co, kh, kw, ci / groups) and, where given, bias (co) and residual (like y):
///   y[n, i, j, o] = activation(bias[o] + residual[n, i, j, o] + sum over p, q, c of x[n, i sh + p dh - ph, j sw + q dw - pw, c] weight[o, p, q, c])
/// with oh = floor((h + 2 ph - dh (kh - 1) - 1) / sh) + 1, ow alike. Output channels of group g read input channels of
/// group g. A batch of 0 gives an empty result. Fails where channels, groups or sizes do not fit.
/// `moments`, where given, becomes that of y, for the batch_norm that follows: on a GPU it need not read y for them.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv2dOptions& options = {}, const Tensor& residual = {},
              ChannelMoments* moments = nullptr);

}  // namespace lacuna
