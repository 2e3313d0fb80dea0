#include "dropout.h"

namespace lacuna {

void validate(const Dropout& a) {
  check_float_arrays(a.op, {{"x", a.x}, {"y", a.y}});
  check_same_shape(a.op, {{"x", a.x}, {"y", a.y}});
  check_row_ids(a.op, "x", a.x, a.ids);
  LACUNA_CHECK(a.p >= 0 && a.p <= 1, a.op, "a probability is between 0 and 1: got ", a.p);
}

}  // namespace lacuna
