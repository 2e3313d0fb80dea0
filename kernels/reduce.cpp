#include "reduce.h"

namespace lacuna {

void validate(const Reduce& a) {
  check_same_device(a.op, {{"x", a.x}, {"y", a.y}});
  check_same_dtype(a.op, {{"x", a.x}, {"y", a.y}});
  check_same_shape(a.op, {{"x", a.x}, {"y", a.y}});
  LACUNA_CHECK(a.x.dtype == Dtype::f32 || a.x.dtype == Dtype::f64, a.op, "takes f32 or f64: got ",
               describe("x", a.x));
}

}  // namespace lacuna
