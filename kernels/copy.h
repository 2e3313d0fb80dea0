#pragma once
// Copies between shapes in memory and between dtypes; and fills.
#include "array.h"

namespace lacuna {

/// y = x element by element, converted as C++ converts (bf16 rounds to nearest even; floating point to bool is x != 0).
struct Copy {
  static constexpr const char* op = "copy";
  Array y;  // out, any strides that do not overlap
  Array x;  // the shape of y, any strides; stride 0 broadcasts
};

/// y = value, converted likewise.
struct Fill {
  static constexpr const char* op = "fill";
  Array y;  // out, any strides
  double value = 0;
};

void validate(const Copy&);
void validate(const Fill&);

}  // namespace lacuna
