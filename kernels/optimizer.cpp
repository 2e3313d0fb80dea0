#include "optimizer.h"

namespace lacuna {

void check_optimizer_tensors(const char* op, const OptimizerTensor* tensors, std::int64_t count,
                             bool needs_first, bool needs_second) {
  LACUNA_CHECK(count == 0 || tensors, op, "the table of tensors is missing");
  for (std::int64_t i = 0; i < count; i++) {
    const OptimizerTensor& t = tensors[i];
    LACUNA_CHECK(t.param && t.grad && (!needs_first || t.first) && (!needs_second || t.second), op,
                 "an array is missing: got ", describe("param", t.param), ", ",
                 describe("grad", t.grad), ", ", describe("first", t.first), ", ",
                 describe("second", t.second));
    const std::initializer_list<Arg> args = {
        {"param", t.param}, {"grad", t.grad}, {"first", t.first}, {"second", t.second}};
    check_float_arrays(op, args);
    check_f32_dtype(op, {{"param", t.param}});
    check_same_shape(op, args);
    LACUNA_CHECK(t.param.device == tensors[0].param.device, op,
                 "all parameters must be on one device: got ", describe("param", t.param), " and ",
                 describe("param", tensors[0].param));
  }
}

void validate(const SgdStep& a) {
  check_optimizer_tensors(a.op, a.tensors, a.count, a.momentum != 0, false);
  LACUNA_CHECK(a.momentum != 0 || !a.nesterov, a.op, "Nesterov needs a momentum");
}
void validate(const AdamStep& a) { check_optimizer_tensors(a.op, a.tensors, a.count, true, true); }
void validate(const LerpStep& a) {
  check_optimizer_tensors(a.op, a.tensors, a.count, false, false);
}

void validate(const SumSquares& a) {
  LACUNA_CHECK(a.sums.ndim == 1 && a.sums.shape[0] == a.count && a.sums.dtype == Dtype::f64 &&
                   a.sums.contiguous(),
               a.op, "sums must be f64, one an array: got ", describe("sums", a.sums), " for ",
               a.count);
  for (std::int64_t i = 0; i < a.count; i++) {
    check_float_arrays(a.op, {{"array", a.arrays[i]}});
    check_f32_dtype(a.op, {{"array", a.arrays[i]}});
    check_same_device(a.op, {{"array", a.arrays[i]}, {"sums", a.sums}});
  }
}

}  // namespace lacuna
