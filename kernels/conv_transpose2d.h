#pragma once
// Transposed convolution of channels-last images: every input pixel adds its channels, times the kernel, to a window
// of the output. It is the gradient of a convolution with respect to its input, with roles exchanged:
//   y[n, i sh + p dh - ph, j sw + q dw - pw, g co/groups + o] += x[n, i, j, c] * weight[c, p, q, o],   g = c / (ci/groups)
// then y = epilogue(y + bias). Contributions that fall outside y are dropped.
// A batch of 0 gives empty results (and zero weight gradients); ci = 0 gives epilogue(bias).
#include "array.h"
#include "epilogue.h"
#include "window.h"

namespace lacuna {

struct ConvTranspose2dForward {
  static constexpr const char* op = "conv_transpose2d";
  Array
      y;  // out, (n, oh, ow, co) with oh = (h - 1) sh - 2 ph + dh (kh - 1) + 1 + output_padding[0], ow alike
  Array x;       // (n, h, w, ci)
  Array weight;  // (ci, kh, kw, co / groups)
  Array bias;    // optional, (co)
  Window2d window = {};
  std::int64_t output_padding[2] = {
      0, 0};                // rows and columns more, at the end; below max(stride, dilation)
  std::int64_t groups = 1;  // divides ci and co
  Epilogue epilogue = Epilogue::none;  // all four
};

/// dx[n, i, j, c] = sum over p, q, o of dy[n, i sh + p dh - ph, ...] * weight[c, p, q, o]: a plain convolution of dy.
struct ConvTranspose2dGradInput {
  static constexpr const char* op = "conv_transpose2d grad_input";
  Array dx;      // out, (n, h, w, ci)
  Array dy;      // (n, oh, ow, co), before the epilogue
  Array weight;  // (ci, kh, kw, co / groups)
  Window2d window = {};
  std::int64_t output_padding[2] = {0, 0};
  std::int64_t groups = 1;
};

/// dweight[c, p, q, o] = sum over images and pixels of x[n, i, j, c] * dy[n, i sh + p dh - ph, ...];
/// dbias[o] = sum over images and pixels of dy[n, i, j, o]. Both are f32 beside bf16 images.
struct ConvTranspose2dGradWeight {
  static constexpr const char* op = "conv_transpose2d grad_weight";
  Array dweight;  // out, (ci, kh, kw, co / groups)
  Array dbias;    // out, optional, (co)
  Array dy;       // (n, oh, ow, co)
  Array x;        // (n, h, w, ci)
  Window2d window = {};
  std::int64_t output_padding[2] = {0, 0};
  std::int64_t groups = 1;
};

// Every array is contiguous; outputs share no memory with inputs.
void validate(const ConvTranspose2dForward&);
void validate(const ConvTranspose2dGradInput&);
void validate(const ConvTranspose2dGradWeight&);

}  // namespace lacuna
