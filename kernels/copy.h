#pragma once
// Copies between shapes in memory and between dtypes; and fills.
#include <type_traits>

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

/// One element as Copy converts it.
template <class To, class From>
LACUNA_HD inline To convert(From x) {
  if constexpr (std::is_same_v<From, To>)
    return x;
  else if constexpr (std::is_same_v<From, bf16>)
    return convert<To>(static_cast<float>(x));
  else if constexpr (std::is_same_v<To, bf16>)
    return bf16(static_cast<float>(x));
  else if constexpr (std::is_same_v<To, bool>)
    return x != From(0);
  else
    return static_cast<To>(x);
}

void validate(const Copy&);
void validate(const Fill&);

}  // namespace lacuna
