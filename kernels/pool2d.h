#pragma once
// Pooling over windows of channels-last images, each channel by itself.
//   max      y = the largest of the window's pixels that lie inside the image. Of equal ones the first in row-major
//            order counts; a NaN wins over everything, the last one over the others (as in PyTorch).
//   average  y = their sum / the number of taps (kernel height * width where count_include_pad, else those inside).
// Global average pooling is average with a kernel of the image's size. A window wholly outside the image (dilation can
// do that) gives -inf and index -1, or 0. A batch of 0 or no channels gives empty results.
#include "array.h"
#include "window.h"

namespace lacuna {

enum class PoolKind : std::uint8_t { max, average };

struct Pool2dForward {
  static constexpr const char* op = "pool2d";
  Array y;  // out, (n, oh, ow, c) with oh = floor((h + 2 ph - dh (kh - 1) - 1) / sh) + 1, ow alike
  Array x;  // (n, h, w, c)
  Array
      indices;  // out, optional, max only: i32, shape of y; row * w + column of the pixel that won
  PoolKind kind = PoolKind::max;
  std::int64_t kernel[2] = {1, 1};
  Window2d window = {};  // padding at most half the kernel
  bool count_include_pad = true;
};

/// max: dx = sum of dy over the windows that chose this pixel; average: dx = sum of dy / count over those that hold it.
struct Pool2dBackward {
  static constexpr const char* op = "pool2d backward";
  Array dx;       // out, (n, h, w, c)
  Array dy;       // (n, oh, ow, c)
  Array indices;  // max only, and required there: what forward wrote
  PoolKind kind = PoolKind::max;
  std::int64_t kernel[2] = {1, 1};
  Window2d window = {};
  bool count_include_pad = true;
};

// Every array is contiguous; outputs share no memory with inputs.
void validate(const Pool2dForward&);
void validate(const Pool2dBackward&);

}  // namespace lacuna
