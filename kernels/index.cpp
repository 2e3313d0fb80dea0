#include "index.h"

namespace lacuna {
namespace {

// table (outer, n, inner), rows (outer, m, inner)
void check(const char* op, Arg table, Arg rows, const Array& index) {
  check_same_device(op, {table, rows, {"index", index}});
  check_same_dtype(op, {table, rows});
  check_contiguous(op, {table, rows});
  check_same_shape(op, {rows, {"index", index}});
  LACUNA_CHECK(index.dtype == Dtype::i64, op, "index must be i64: got ", describe("index", index));
  LACUNA_CHECK(table.array.ndim == 3 && rows.array.ndim == 3, op,
               "arguments must have three dimensions: got ", describe(table.name, table.array),
               ", ", describe(rows.name, rows.array));
  LACUNA_CHECK(table.array.dim(0) == rows.array.dim(0) && table.array.dim(2) == rows.array.dim(2),
               op, "outer and inner sizes must agree: got ", describe(table.name, table.array),
               ", ", describe(rows.name, rows.array));
}

}  // namespace

void validate(const Gather& a) { check(a.op, {"x", a.x}, {"y", a.y}, a.index); }

void validate(const ScatterAdd& a) {
  check(a.op, {"y", a.y}, {"source", a.source}, a.index);
  check_float_arrays(a.op, {{"y", a.y}});
}

}  // namespace lacuna
