#pragma once
// Reductions: sums over any set of dimensions, and the place of the largest element of a row.
#include "array.h"

namespace lacuna {

/// y = sum of x over the dimensions where y has stride 0; 0 where there is nothing to sum.
struct Sum {
  static constexpr const char* op = "sum";
  Array
      y;  // out, x's shape; x's dtype, or f32 where that is bf16; stride 0 in the dimensions that are summed away, the others not overlapping
  Array x;  // f32, f64 on cpu, bf16 on cuda and emu; any strides
};

/// Index of the largest (or smallest) element of each row: the first of equals; a NaN counts as more than any number.
struct Argmax {
  static constexpr const char* op = "argmax";
  Array index;  // out, (rows) i64
  Array x;      // (rows, n > 0), contiguous; types as above
  bool smallest = false;
};

void validate(const Sum&);
void validate(const Argmax&);

}  // namespace lacuna
