#pragma once
// What an optimizer's step reads beside its arguments; see kernels/optimizer.h.
#include <cmath>

#include "../optimizer.h"

namespace lacuna::cpu {

template <class Step>
struct StepInputs {
  const Step& step;

  double scale() const {
    return step.scale ? step.grad_scale * number(step.scale, 0) : step.grad_scale;
  }
  bool stopped() const { return std::isnan(scale()); }
  /// The three rates of a tensor of step.tensors: those that were given, or else `own`.
  template <class Rates>
  Rates rates(const OptimizerTensor& t, const Rates& own) const {
    if (!step.rates) return own;
    const std::int64_t row = 3 * (&t - step.tensors);
    return {number(step.rates, row), number(step.rates, row + 1), number(step.rates, row + 2)};
  }

 private:
  static double number(const Array& a, std::int64_t i) {
    return a.dtype == Dtype::f32 ? a.as<float>()[i] : a.as<double>()[i];
  }
};

}  // namespace lacuna::cpu
