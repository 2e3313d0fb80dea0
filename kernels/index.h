#pragma once
// Elements picked, and added, by an index along the middle one of three dimensions. Every array is seen as
// (outer, n or m, inner); index is (outer, m, inner), with stride 0 where one index stands for a whole row or column.
// Values of index must lie in [0, n). The caller sees to that where it can read them: not every device's memory can be
// read from the host. On cuda and emu gather gives bytes 0xff (NaN, -1, true) for another value, and scatter_add skips it.
#include "array.h"

namespace lacuna {

/// y[o, i, k] = x[o, index[o, i, k], k]
struct Gather {
  static constexpr const char* op = "gather";
  Array y;      // out, (outer, m, inner), contiguous
  Array x;      // (outer, n, inner), contiguous, any dtype
  Array index;  // (outer, m, inner), i64, any strides
};

/// y[o, index[o, i, k], k] += source[o, i, k], in an order that the index alone decides (cpu: in the order of i): the
/// same bits every time.
struct ScatterAdd {
  static constexpr const char* op = "scatter_add";
  Array y;       // in and out, (outer, n, inner), contiguous, floating point
  Array source;  // (outer, m, inner), contiguous
  Array index;   // (outer, m, inner), i64, any strides
};

void validate(const Gather&);
void validate(const ScatterAdd&);

}  // namespace lacuna
