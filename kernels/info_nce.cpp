#include "info_nce.h"

namespace lacuna {
namespace {

template <class Args>
void check(const Args& a) {
  LACUNA_CHECK(a.rows.ndim == 2 && a.columns.ndim == 2 && a.rows.dim(1) == a.columns.dim(1), a.op,
               "needs rows (m, D) and columns (M, D): got ", describe("rows", a.rows), ", ",
               describe("columns", a.columns));
  check_same_device(a.op, {{"rows", a.rows}, {"positive", a.positive}});
  check_contiguous(a.op, {{"positive", a.positive}});
  LACUNA_CHECK(
      a.positive.dtype == Dtype::i64 && a.positive.ndim == 1 && a.positive.dim(0) == a.rows.dim(0),
      a.op, "needs one positive a row, in i64: got ", describe("rows", a.rows), ", ",
      describe("positive", a.positive));
  check_same_shape(a.op, {{"positive", a.positive}, {"lse", a.lse}});
  LACUNA_CHECK(a.temperature > 0, a.op, "the temperature must be positive: got ", a.temperature);
  LACUNA_CHECK(a.self == -1 || (a.self >= 0 && a.self + a.rows.dim(0) <= a.columns.dim(0)), a.op,
               "columns self, self + 1, ... are the rows themselves (-1: none): got self = ",
               a.self, ", ", describe("rows", a.rows), ", ", describe("columns", a.columns));
}

}  // namespace

void validate(const InfoNceForward& a) {
  check_float_arrays(a.op, {{"rows", a.rows}, {"columns", a.columns}});
  check_statistics(a.op, {"rows", a.rows}, {{"loss", a.loss}, {"lse", a.lse}});
  check(a);
  check_same_shape(a.op, {{"positive", a.positive}, {"loss", a.loss}});
}

void validate(const InfoNceBackward& a) {
  check_float_arrays(a.op, {{"rows", a.rows},
                            {"columns", a.columns},
                            {"drows", a.drows},
                            {"dcolumns", a.dcolumns},
                            {"dboth", a.dboth}});
  check_statistics(a.op, {"rows", a.rows}, {{"dloss", a.dloss}, {"lse", a.lse}});
  check(a);
  check_same_shape(a.op, {{"positive", a.positive}, {"dloss", a.dloss}});
  check_same_shape(a.op, {{"rows", a.rows}, {"drows", a.drows}});
  check_same_shape(a.op, {{"columns", a.columns}, {"dcolumns", a.dcolumns}});
  LACUNA_CHECK(!a.dboth || (!a.drows && !a.dcolumns && a.self == 0 &&
                            a.rows.data == a.columns.data && a.rows.dim(0) == a.columns.dim(0)),
               a.op,
               "one gradient of both sides is for rows that are the columns, with self = 0: got ",
               describe("rows", a.rows), ", ", describe("columns", a.columns), ", self = ", a.self);
  if (a.dboth) check_same_shape(a.op, {{"rows", a.rows}, {"dboth", a.dboth}});
}

}  // namespace lacuna
