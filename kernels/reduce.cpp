#include "reduce.h"

namespace lacuna {
namespace {
void check_dtype(const char* op, const Array& x) {
  LACUNA_CHECK(is_floating(x.dtype), op, "takes floating point (convert with to(x, dtype)): got ",
               describe("x", x));
  check_float_dtype(op, {{"x", x}});
}
}  // namespace

void validate(const Sum& a) {
  check_same_device(a.op, {{"x", a.x}, {"y", a.y}});
  if (a.y.dtype != statistics_dtype(a.x.dtype)) check_same_dtype(a.op, {{"x", a.x}, {"y", a.y}});
  check_same_shape(a.op, {{"x", a.x}, {"y", a.y}});
  check_dtype(a.op, a.x);
}

void validate(const Argmax& a) {
  check_same_device(a.op, {{"x", a.x}, {"index", a.index}});
  check_contiguous(a.op, {{"x", a.x}, {"index", a.index}});
  check_dtype(a.op, a.x);
  LACUNA_CHECK(a.index.dtype == Dtype::i64 && a.index.ndim == 1 && a.x.ndim == 2 &&
                   a.index.dim(0) == a.x.dim(0),
               a.op, "needs x (rows, n) and index (rows) i64: got ", describe("x", a.x), ", ",
               describe("index", a.index));
  LACUNA_CHECK(a.x.dim(0) == 0 || a.x.dim(1) > 0, a.op, "there is no largest of no elements: got ",
               describe("x", a.x));
}

}  // namespace lacuna
