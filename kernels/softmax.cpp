#include "softmax.h"

namespace lacuna {

void validate(const SoftmaxForward& a) {
  check_float_arrays(a.op, {{"x", a.x}, {"y", a.y}});
  check_same_shape(a.op, {{"x", a.x}, {"y", a.y}});
  LACUNA_CHECK(a.x.ndim >= 1, a.op, "x must have at least one dimension: got ", describe("x", a.x));
}

void validate(const SoftmaxBackward& a) {
  check_float_arrays(a.op, {{"y", a.y}, {"dy", a.dy}, {"dx", a.dx}});
  check_same_shape(a.op, {{"y", a.y}, {"dy", a.dy}, {"dx", a.dx}});
}

}  // namespace lacuna
