#include "matmul.h"

namespace lacuna {
namespace {

std::string operands(const Matmul& p) {
  std::string text = describe("a", p.a) + ", " + describe("b", p.b);
  if (p.bias) text += ", " + describe("bias", p.bias);
  return text + ", " + describe("c", p.c);
}

bool unit_stride(const Array& a, int axis) {
  return a.dim(axis) <= 1 || a.strides[a.ndim + axis] == 1;
}

void check_strides(const Matmul& p, const char* name, const Array& a) {
  for (int i = 0; i < a.ndim; i++)
    LACUNA_CHECK(a.strides[i] >= 0, p.op, name, "'s strides must not be negative: got stride ",
                 a.strides[i], " in dimension ", i, " of ", operands(p));
}

}  // namespace

void validate(const Matmul& p) {
  check_same_device(p.op, {{"a", p.a}, {"b", p.b}, {"bias", p.bias}, {"c", p.c}});
  if (p.a.dtype == Dtype::bf16 && p.c.dtype == Dtype::f32) {
    check_same_dtype(p.op, {{"a", p.a}, {"b", p.b}});
    check_same_dtype(p.op, {{"c", p.c}, {"bias", p.bias}});
  } else {
    check_same_dtype(p.op, {{"a", p.a}, {"b", p.b}, {"bias", p.bias}, {"c", p.c}});
  }
  const bool on_cpu = p.a.device.type == DeviceType::cpu;
  LACUNA_CHECK(p.a.dtype == Dtype::f32 || p.a.dtype == (on_cpu ? Dtype::f64 : Dtype::bf16), p.op,
               "floating-point arguments only (f32; f64 on cpu; bf16 on cuda and emu): got ",
               operands(p));
  LACUNA_CHECK(p.a.ndim >= 2, p.op, "a must have at least two dimensions: got ", operands(p));
  LACUNA_CHECK(p.a.ndim == p.b.ndim && p.a.ndim == p.c.ndim, p.op,
               "a, b and c must have the same number of dimensions: got ", operands(p));
  for (int i = 0; i < p.a.ndim - 2; i++)
    LACUNA_CHECK(p.a.shape[i] == p.b.shape[i] && p.a.shape[i] == p.c.shape[i], p.op,
                 "a, b and c must have the same batch dimensions: got ", operands(p));
  LACUNA_CHECK(p.a.dim(-1) == p.b.dim(-2), p.op, "a's columns must equal b's rows: got ",
               operands(p));
  LACUNA_CHECK(p.c.dim(-2) == p.a.dim(-2) && p.c.dim(-1) == p.b.dim(-1), p.op,
               "c must have a's rows and b's columns: got ", operands(p));
  check_strides(p, "a", p.a);
  check_strides(p, "b", p.b);
  check_strides(p, "c", p.c);
  LACUNA_CHECK(unit_stride(p.a, -1) || unit_stride(p.a, -2), p.op,
               "a must have unit stride in one of its last two dimensions: got ", operands(p));
  LACUNA_CHECK(unit_stride(p.b, -1) || unit_stride(p.b, -2), p.op,
               "b must have unit stride in one of its last two dimensions: got ", operands(p));
  LACUNA_CHECK(unit_stride(p.c, -1), p.op, "c must have unit stride in its last dimension: got ",
               operands(p));
  if (p.bias) {
    LACUNA_CHECK(p.bias.ndim == 1 && p.bias.dim(0) == p.c.dim(-1), p.op,
                 "bias must have one element for each of c's columns: got ", operands(p));
    check_contiguous(p.op, {{"bias", p.bias}});
  }
  if (p.residual) {
    check_same_device(p.op, {{"c", p.c}, {"residual", p.residual}});
    check_same_dtype(p.op, {{"c", p.c}, {"residual", p.residual}});
    check_same_shape(p.op, {{"c", p.c}, {"residual", p.residual}});
    for (int i = 0; i < p.c.ndim; i++)
      LACUNA_CHECK(p.c.shape[i] <= 1 || p.c.strides[i] == p.residual.strides[i], p.op,
                   "residual must lie in memory as c does: got stride ", p.residual.strides[i],
                   " in dimension ", i, " of ", describe("residual", p.residual), ", ",
                   operands(p));
  }
}

}  // namespace lacuna
