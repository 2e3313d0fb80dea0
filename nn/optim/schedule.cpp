#include "schedule.h"

#include <algorithm>
#include <cmath>

#include "../../kernels/error.h"

namespace lacuna {

double Schedule::at(std::int64_t step) const {
  LACUNA_CHECK(step >= 0 && warmup >= 0 && every >= 1, "schedule",
               "needs a step and a warm-up of at least 0, and `every` of at least 1: got ", step,
               ", ", warmup, ", ", every);
  if (step < warmup) return base * static_cast<double>(step + 1) / static_cast<double>(warmup + 1);
  const double length = static_cast<double>(std::max<std::int64_t>(1, total - warmup));
  const double t = std::min(1.0, static_cast<double>(step - warmup) / length);
  switch (shape) {
    case Shape::constant:
      break;
    case Shape::linear:
      return base * (last + (1 - last) * (1 - t));
    case Shape::cosine:
      return base * (last + (1 - last) * (1 + std::cos(3.14159265358979323846 * t)) / 2);
    case Shape::step:
      return base * std::pow(factor, static_cast<double>((step - warmup) / every));
  }
  return base;
}

Schedule::Shape schedule_shape(const std::string& name) {
  if (name == "constant") return Schedule::Shape::constant;
  if (name == "linear") return Schedule::Shape::linear;
  if (name == "cosine") return Schedule::Shape::cosine;
  if (name == "step") return Schedule::Shape::step;
  fail("schedule", "must be constant, linear, cosine or step: got \"", name, '"');
}

}  // namespace lacuna
