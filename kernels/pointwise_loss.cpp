#include "pointwise_loss.h"

namespace lacuna {

const char* name_of(PointwiseLoss kind) {
  static const char* const names[] = {
#define LOSS(name, ...) #name,
#include "pointwise_loss.def"
  };
  return names[static_cast<int>(kind)];
}

namespace {
void check_mask(const char* op, const Array& a, const Array& mask, const Array& weight) {
  if (!mask) return;
  check_same_device(op, {{"a", a}, {"mask", mask}, {"weight", weight}});
  check_same_shape(op, {{"a", a}, {"mask", mask}});
  check_statistics(op, {"a", a}, {{"weight", weight}});
  LACUNA_CHECK(mask.dtype == Dtype::boolean || mask.dtype == Dtype::u8 ||
                   mask.dtype == statistics_dtype(a.dtype),
               op,
               "the mask must be bool, u8 or of the other arguments' dtype (f32 beside bf16): got ",
               describe("mask", mask), ", ", describe("a", a));
  LACUNA_CHECK(weight.ndim == 0 && weight.data, op, "weight must be 0-d: got ",
               describe("weight", weight));
}

// The arrays, of which a and b may each be bf16, and y or dy.
void check_arrays(const char* op, Arg a, Arg b, Arg y) {
  check_same_device(op, {a, b, y});
  check_float_dtype(op, {a, b});
  if (statistics_dtype(a.array.dtype) != statistics_dtype(b.array.dtype))
    check_same_dtype(op, {a, b});
  check_contiguous(op, {a, b});
  check_statistics(op, a, {y});
  check_same_shape(op, {a, b});
}
}  // namespace

void validate(const PointwiseLossForward& a) {
  const char* op = name_of(a.kind);
  check_arrays(op, {"a", a.a}, {"b", a.b}, {"y", a.y});
  LACUNA_CHECK(a.y.ndim == 0, op, "the result is 0-d: got ", describe("y", a.y));
  check_mask(op, a.a, a.mask, a.weight);
}

void validate(const PointwiseLossBackward& a) {
  const char* op = name_of(a.kind);
  check_arrays(op, {"a", a.a}, {"b", a.b}, {"dy", a.dy});
  check_float_arrays(op, {{"a", a.a}, {"da", a.da}});
  check_float_arrays(op, {{"b", a.b}, {"db", a.db}});
  check_same_shape(op, {{"a", a.a}, {"da", a.da}, {"db", a.db}});
  LACUNA_CHECK(a.dy.ndim == 0, op, "the upstream gradient is 0-d: got ", describe("dy", a.dy));
  check_mask(op, a.a, a.mask, a.weight);
}

}  // namespace lacuna
