#pragma once
// Normalisation of rows.
//   layer norm (Ba, Kiros, Hinton 2016), mean and variance (divisor n) of the row:
//     xhat = (x - mean) * rstd,  rstd = 1 / sqrt(var + eps),  y = xhat * gamma + beta
//     g = dy * gamma,  dx = rstd * (g - mean g - xhat * mean(g * xhat));  dgamma = sum_rows dy * xhat,  dbeta = sum_rows dy
//   L2:
//     y = x / s,  s = max(|x|, eps);   dx = (dy - y * sum(dy * y)) / s, without the second term where |x| < eps
// Parameters, their gradients, statistics and norms are f32 beside bf16 activations, else of the same type.
#include "array.h"

namespace lacuna {

struct LayerNormForward {
  static constexpr const char* op = "layer_norm";
  Array y;                      // out, shape of x
  Array stats;                  // out, (rows, 2): mean and rstd, for backward
  Array x;                      // (rows, n), contiguous
  Array gamma = {}, beta = {};  // (n), optional: 1 and 0
  double eps = 1e-5;
};

struct LayerNormBackward {
  static constexpr const char* op = "layer_norm";
  Array dx;                       // out; may be dy
  Array dgamma = {}, dbeta = {};  // out, (n): both or neither
  Array dy, x, stats;
  Array gamma = {};
};

struct L2NormaliseForward {
  static constexpr const char* op = "l2_normalise";
  Array y;      // out, shape of x
  Array norms;  // out, (rows): |x|, for backward
  Array x;      // (rows, n), contiguous
  double eps = 1e-12;
};

struct L2NormaliseBackward {
  static constexpr const char* op = "l2_normalise";
  Array dx;  // out; may be dy
  Array dy, y, norms;
  double eps = 1e-12;
};

void validate(const LayerNormForward&);
void validate(const LayerNormBackward&);
void validate(const L2NormaliseForward&);
void validate(const L2NormaliseBackward&);

}  // namespace lacuna
