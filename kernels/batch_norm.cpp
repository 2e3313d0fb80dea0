#include "batch_norm.h"

namespace lacuna {

namespace {
constexpr const char* kOp = "batch_norm";

// Each given vector is (C) for x (..., C), of the type that statistics have beside x.
void check_channels(const Array& x, std::initializer_list<Arg> vectors) {
  check_statistics(kOp, {"x", x}, vectors);
  LACUNA_CHECK(x.ndim >= 2, kOp, "x must be (..., channels): got ", describe("x", x));
  for (const Arg& v : vectors)
    LACUNA_CHECK(!v.array || (v.array.ndim == 1 && v.array.dim(0) == x.dim(-1)), kOp, v.name,
                 " must have one value a channel: got ", describe(v.name, v.array), " for ",
                 describe("x", x));
}
}  // namespace

void validate(const BatchNormMoments& a) {
  check_float_arrays(kOp, {{"x", a.x}});
  check_channels(a.x, {{"mean", a.mean}, {"centred", a.centred}});
}

void validate(const BatchNormForward& a) {
  check_float_arrays(kOp, {{"x", a.x}, {"y", a.y}});
  check_same_shape(kOp, {{"x", a.x}, {"y", a.y}});
  if (a.residual) {
    check_float_arrays(kOp, {{"x", a.x}, {"residual", a.residual}});
    check_same_shape(kOp, {{"x", a.x}, {"residual", a.residual}});
  }
  check_channels(a.x, {{"mean", a.mean}, {"rstd", a.rstd}, {"gamma", a.gamma}, {"beta", a.beta}});
}

void validate(const BatchNormSums& a) {
  check_float_arrays(kOp, {{"x", a.x}, {"dy", a.dy}});
  check_same_shape(kOp, {{"x", a.x}, {"dy", a.dy}});
  check_channels(a.x, {{"dgamma", a.dgamma},
                       {"dbeta", a.dbeta},
                       {"mean", a.mean},
                       {"rstd", a.rstd},
                       {"gamma", a.gamma},
                       {"beta", a.beta}});
}

void validate(const BatchNormBackward& a) {
  check_float_arrays(kOp, {{"x", a.x}, {"dy", a.dy}, {"dx", a.dx}});
  check_same_shape(kOp, {{"x", a.x}, {"dy", a.dy}, {"dx", a.dx}});
  check_channels(a.x, {{"mean", a.mean}, {"rstd", a.rstd}, {"gamma", a.gamma}, {"beta", a.beta}});
  check_channels(a.x, {{"dgamma", a.dgamma}, {"dbeta", a.dbeta}});
}

}  // namespace lacuna
