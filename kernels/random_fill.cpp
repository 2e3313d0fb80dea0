#include "random_fill.h"

namespace lacuna {

void check_row_ids(const char* op, const char* name, const Array& rows, const Array& ids) {
  LACUNA_CHECK(rows.ndim >= 1, op, "needs a dimension 0, whose rows the numbers belong to: got ",
               describe(name, rows));
  if (!ids) return;
  check_same_device(op, {{name, rows}, {"ids", ids}});
  check_contiguous(op, {{"ids", ids}});
  LACUNA_CHECK(
      ids.dtype == Dtype::i64 && ids.ndim == 2 && ids.dim(1) == 2 && ids.dim(0) == rows.dim(0), op,
      "needs one (sample, view) i64 a row of dimension 0: got ", describe("ids", ids), " for ",
      describe(name, rows));
}

void validate(const RandomFill& a) {
  check_row_ids(a.op, "y", a.y, a.ids);
  check_contiguous(a.op, {{"y", a.y}});
  const bool real = a.y.dtype == Dtype::f32 || a.y.dtype == Dtype::f64;
  if (a.kind == Distribution::bernoulli) {
    LACUNA_CHECK(real || a.y.dtype == Dtype::boolean || a.y.dtype == Dtype::u8, a.op,
                 "bernoulli gives bool, u8, f32 or f64: got ", describe("y", a.y));
    LACUNA_CHECK(a.a >= 0 && a.a <= 1, a.op, "a probability is between 0 and 1: got ", a.a);
  } else {
    LACUNA_CHECK(real, a.op, "gives f32 or f64: got ", describe("y", a.y));
  }
  if (real) check_f32_dtype(a.op, {{"y", a.y}});
}

}  // namespace lacuna
