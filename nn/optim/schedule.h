#pragma once
// Learning rates (or anything else) as pure functions of the step, so that a resumed run needs nothing but its step.
#include <cstdint>
#include <string>

namespace lacuna {

/// value(step) = base * ramp * shape(t). During warm-up, steps 0 .. warmup-1, the ramp is (step + 1) / (warmup + 1) and the
/// shape 1; then t = (step - warmup) / (total - warmup), held at 1 from step `total` on, and
///   constant  1
///   linear    last + (1 - last) (1 - t)
///   cosine    last + (1 - last) (1 + cos(pi t)) / 2         (Loshchilov, Hutter 2017, one cycle)
///   step      factor ^ floor((step - warmup) / every)
struct Schedule {
  enum class Shape : std::uint8_t { constant, linear, cosine, step };
  Shape shape = Shape::constant;
  double base = 1;
  std::int64_t warmup = 0;
  std::int64_t total = 0;  // linear, cosine: the step at which `last` is reached
  double last = 0;         // linear, cosine: fraction of base at the end
  std::int64_t every = 1;  // step
  double factor = 0.1;     // step

  double at(std::int64_t step) const;
};

/// "constant", "linear", "cosine", "step"; an Error that lists them for anything else.
Schedule::Shape schedule_shape(const std::string& name);

}  // namespace lacuna
