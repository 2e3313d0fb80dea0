#pragma once
// Pooling over windows of channels-last images, each channel by itself.
#include "window.h"

namespace lacuna {

struct Pool2dOptions {
  Pair kernel;
  Pair stride = kernel;
  Pair padding = 0;  // at most half the kernel
  Pair dilation = 1;
  bool count_include_pad = true;  // average only: divide by the kernel's size at the borders, too
};

/// y (n, oh, ow, c) of x (n, h, w, c): the largest pixel of each window; padding never wins. The gradient goes to the
/// first of equal ones. max_pool2d(x, {.kernel = 2}) halves an image.
Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options);
/// The mean of each window; padding counts as zeros, or not at all without count_include_pad.
Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options);
/// (n, c): the mean of each channel of x (n, h, w, c), h and w at least 1.
Tensor global_avg_pool(const Tensor& x);

}  // namespace lacuna
