#pragma once
// Convolution (cross-correlation, as in every deep-learning library) of channels-last images:
//   y[n, i, j, o] = epilogue(bias[o] + residual[n, i, j, o] + sum over p, q, c of
//                   x[n, i sh + p dh - ph, j sw + q dw - pw, g ci/groups + c] * weight[o, p, q, c])
// with g = o / (co/groups); pixels outside x count as zero. s, d and p are the window's stride, dilation and padding.
// A batch of 0 gives empty results (and zero weight gradients); ci = 0 gives epilogue(bias + residual).
#include "array.h"
#include "epilogue.h"
#include "window.h"

namespace lacuna {

struct Conv2dForward {
  static constexpr const char* op = "conv2d";
  Array y;  // out, (n, oh, ow, co) with oh = floor((h + 2 ph - dh (kh - 1) - 1) / sh) + 1, ow alike
  Array x;  // (n, h, w, ci)
  Array weight;  // (co, kh, kw, ci / groups)
  Array bias;    // optional, (co)
  Window2d window = {};
  std::int64_t groups = 1;  // divides ci and co
  Epilogue epilogue = Epilogue::none;
  Array residual = {};  // optional, shape of y
  // out, optional, (co), both or none: the moments of each of y's channels, as batch_norm.h has them, taken from tiles that
  // are still in the multiprocessor (on cpu by another pass over y). f32 beside bf16, else of y's type.
  Array mean = {}, centred = {};
};

/// dx[n, h, w, c] = sum of dy * weight over the outputs that read that pixel. dy is the gradient before the epilogue.
struct Conv2dGradInput {
  static constexpr const char* op = "conv2d grad_input";
  Array dx;      // out, (n, h, w, ci); its shape says which of the possible input sizes was meant
  Array dy;      // (n, oh, ow, co)
  Array weight;  // (co, kh, kw, ci / groups)
  Window2d window = {};
  std::int64_t groups = 1;
};

/// dweight[o, p, q, c] = sum over images and pixels of dy[n, i, j, o] * x[n, i sh + p dh - ph, ...];
/// dbias[o] = sum over images and pixels of dy[n, i, j, o]. Both are f32 beside bf16 images.
struct Conv2dGradWeight {
  static constexpr const char* op = "conv2d grad_weight";
  Array dweight;  // out, (co, kh, kw, ci / groups)
  Array dbias;    // out, optional, (co)
  Array dy;       // (n, oh, ow, co)
  Array x;        // (n, h, w, ci)
  Window2d window = {};
  std::int64_t groups = 1;
};

// Every array is contiguous; outputs share no memory with inputs.
void validate(const Conv2dForward&);
void validate(const Conv2dGradInput&);
void validate(const Conv2dGradWeight&);

}  // namespace lacuna
