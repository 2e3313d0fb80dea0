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
    check_same_device(op, {{"param", t.param}, {"shadow", t.shadow}});
    check_same_shape(op, {{"param", t.param}, {"shadow", t.shadow}});
    check_contiguous(op, {{"shadow", t.shadow}});
    LACUNA_CHECK(
        !t.shadow || (t.shadow.dtype == Dtype::bf16 && t.param.device.type != DeviceType::cpu), op,
        "shadows are bf16, on cuda and emu: got ", describe("shadow", t.shadow));
    LACUNA_CHECK(t.param.device == tensors[0].param.device, op,
                 "all parameters must be on one device: got ", describe("param", t.param), " and ",
                 describe("param", tensors[0].param));
  }
}

void check_step_inputs(const char* op, const OptimizerTensor* tensors, std::int64_t count,
                       const Array& scale, const Array& rates) {
  if (count == 0) return;
  for (const Arg& in : {Arg{"scale", scale}, Arg{"rates", rates}})
    if (in.array) check_float_arrays(op, {{"param", tensors[0].param}, in});
  LACUNA_CHECK(!scale || scale.size() == 1, op, "scale must be one number: got ",
               describe("scale", scale));
  LACUNA_CHECK(!rates || (rates.ndim == 2 && rates.dim(0) == count && rates.dim(1) == 3), op,
               "rates must be three numbers a tensor: got ", describe("rates", rates), " for ",
               count);
}

void validate(const SgdStep& a) {
  check_optimizer_tensors(a.op, a.tensors, a.count, a.momentum != 0, false);
  check_step_inputs(a.op, a.tensors, a.count, a.scale, a.rates);
  LACUNA_CHECK(a.momentum != 0 || !a.nesterov, a.op, "Nesterov needs a momentum");
}
void validate(const AdamStep& a) {
  check_optimizer_tensors(a.op, a.tensors, a.count, true, true);
  check_step_inputs(a.op, a.tensors, a.count, a.scale, a.rates);
}
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

void validate(const ClipScale& a) {
  check_float_arrays(a.op, {{"scale", a.scale}, {"loss", a.loss}});
  check_f32_dtype(a.op, {{"scale", a.scale}});
  check_same_device(a.op, {{"scale", a.scale}, {"sums", a.sums}});
  LACUNA_CHECK(a.scale.size() == 1 && a.loss.size() == 1, a.op,
               "scale and loss must be one number each: got ", describe("scale", a.scale), ", ",
               describe("loss", a.loss));
  if (!a.sums) return;
  LACUNA_CHECK(a.sums.ndim == 1 && a.sums.dtype == Dtype::f64 && a.sums.contiguous(), a.op,
               "sums must be (count) f64: got ", describe("sums", a.sums));
  LACUNA_CHECK(a.max_norm > 0, a.op, "max_norm must be above 0: got ", a.max_norm);
}

}  // namespace lacuna
