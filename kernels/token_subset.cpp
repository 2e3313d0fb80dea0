#include "token_subset.h"

namespace lacuna {
namespace {

void check_index(const char* op, const char* name, const Array& index, Arg rows) {
  check_same_device(op, {rows, {name, index}});
  check_contiguous(op, {{name, index}});
  LACUNA_CHECK(index.dtype == Dtype::i64 && index.ndim == 2 && rows.array.ndim == 3 &&
                   index.dim(0) == rows.array.dim(0) && index.dim(1) == rows.array.dim(1),
               op, "needs tokens (n, m, d) and an i64 for each, (n, m): got ",
               describe(rows.name, rows.array), ", ", describe(name, index));
}

// Tokens of the same batch and width.
void check_tokens(const char* op, Arg a, Arg b) {
  LACUNA_CHECK(
      b.array.ndim == 3 && a.array.dim(0) == b.array.dim(0) && a.array.dim(2) == b.array.dim(2), op,
      "tokens must agree in batch and width: got ", describe(a.name, a.array), ", ",
      describe(b.name, b.array));
}

void check_token(const char* op, const char* name, const Array& token, Arg rows) {
  LACUNA_CHECK(!token || (token.ndim == 1 && token.dim(0) == rows.array.dim(2)), op, name,
               " must be one token, (d): got ", describe(name, token), " for ",
               describe(rows.name, rows.array));
}

}  // namespace

void validate(const TakeTokens& a) {
  check_float_arrays(a.op, {{"x", a.x}, {"y", a.y}, {"fill", a.fill}, {"position", a.position}});
  check_index(a.op, "index", a.index, {"y", a.y});
  check_tokens(a.op, {"y", a.y}, {"x", a.x});
  check_token(a.op, "fill", a.fill, {"x", a.x});
  LACUNA_CHECK(!a.position || (a.position.ndim == 2 && a.position.dim(1) == a.x.dim(2) &&
                               a.position.dim(0) == (a.of_source ? a.x : a.y).dim(1)),
               a.op, "position must have a row a token of the whole picture: got ",
               describe("position", a.position), " for ", describe("x", a.x), ", ",
               describe("y", a.y));
}

void validate(const RestoreTokensBackward& a) {
  check_float_arrays(a.op, {{"dy", a.dy}, {"dx", a.dx}, {"dfill", a.dfill}});
  check_index(a.op, "places", a.places, {"dy", a.dy});
  if (a.dx) check_tokens(a.op, {"dy", a.dy}, {"dx", a.dx});
  check_token(a.op, "dfill", a.dfill, {"dy", a.dy});
}

}  // namespace lacuna
