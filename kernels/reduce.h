#pragma once
// Reductions over any set of dimensions.
#include "array.h"

namespace lacuna {

enum class ReduceOp : std::uint8_t { sum };

/// y = sum of x over the dimensions where y has stride 0.
struct Reduce {
  static constexpr const char* op = "reduce";
  ReduceOp kind;
  Array
      y;  // out, the shape of x with stride 0 in the dimensions that are summed away; the rest row-major
  Array x;  // f32 or f64, any strides
};

void validate(const Reduce&);

}  // namespace lacuna
