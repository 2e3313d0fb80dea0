#include "layer_norm.h"

namespace lacuna {

namespace {
void check_rows(const char* op, const Array& x, const Array& a, int a_ndim) {
  LACUNA_CHECK(x.ndim == 2 && a.ndim == a_ndim && a.dim(0) == x.dim(0), op,
               "x is (rows, n), with one entry of statistics a row: got ", describe("x", x), ", ",
               describe("statistics", a));
}
void check_columns(const char* op, const Array& x, const char* name, const Array& v) {
  LACUNA_CHECK(!v || (v.ndim == 1 && v.dim(0) == x.dim(1)), op, name,
               " must have one value for each normalised element: got ", describe(name, v), " for ",
               describe("rows", x));
}
}  // namespace

void validate(const LayerNormForward& a) {
  check_float_arrays(a.op, {{"x", a.x}, {"y", a.y}});
  check_statistics(a.op, {"x", a.x}, {{"gamma", a.gamma}, {"beta", a.beta}, {"stats", a.stats}});
  check_same_shape(a.op, {{"x", a.x}, {"y", a.y}});
  check_rows(a.op, a.x, a.stats, 2);
  check_columns(a.op, a.x, "gamma", a.gamma);
  check_columns(a.op, a.x, "beta", a.beta);
}

void validate(const LayerNormBackward& a) {
  check_float_arrays(a.op, {{"x", a.x}, {"dy", a.dy}, {"dx", a.dx}});
  check_statistics(
      a.op, {"x", a.x},
      {{"gamma", a.gamma}, {"stats", a.stats}, {"dgamma", a.dgamma}, {"dbeta", a.dbeta}});
  check_same_shape(a.op, {{"x", a.x}, {"dy", a.dy}, {"dx", a.dx}});
  check_rows(a.op, a.x, a.stats, 2);
  check_columns(a.op, a.x, "gamma", a.gamma);
  check_columns(a.op, a.x, "dgamma", a.dgamma);
  check_columns(a.op, a.x, "dbeta", a.dbeta);
  LACUNA_CHECK(static_cast<bool>(a.dgamma) == static_cast<bool>(a.dbeta), a.op,
               "dgamma and dbeta come together");
}

void validate(const L2NormaliseForward& a) {
  check_float_arrays(a.op, {{"x", a.x}, {"y", a.y}});
  check_statistics(a.op, {"x", a.x}, {{"norms", a.norms}});
  check_same_shape(a.op, {{"x", a.x}, {"y", a.y}});
  check_rows(a.op, a.x, a.norms, 1);
}

void validate(const L2NormaliseBackward& a) {
  check_float_arrays(a.op, {{"y", a.y}, {"dy", a.dy}, {"dx", a.dx}});
  check_statistics(a.op, {"y", a.y}, {{"norms", a.norms}});
  check_same_shape(a.op, {{"y", a.y}, {"dy", a.dy}, {"dx", a.dx}});
  check_rows(a.op, a.y, a.norms, 1);
}

}  // namespace lacuna
