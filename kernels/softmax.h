#pragma once
// Softmax over the last axis:  y_j = exp(x_j - max x) / sum_k exp(x_k - max x);  dx = y * (dy -
// sum_k dy_k y_k). A row that is all -inf gives zeros.
#include "array.h"

namespace lacuna {

struct SoftmaxForward {
  static constexpr const char* op = "softmax";
  Array y;           // out, shape of x
  Array x;           // (..., columns), contiguous
  bool log = false;  // y = x - max - log(sum) instead; backward: dx = dy - exp(y) * sum_k dy_k
};

struct SoftmaxBackward {
  static constexpr const char* op = "softmax";
  Array dx;  // out, shape of y; may be dy
  Array y;   // what forward returned
  Array dy;
  bool log = false;
};

void validate(const SoftmaxForward&);
void validate(const SoftmaxBackward&);

}  // namespace lacuna
