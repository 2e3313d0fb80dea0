#pragma once
// The gradient of a table of vectors. Forward is kernels/index.h's gather.
#include "array.h"

namespace lacuna {

/// dweight[r] = sum of dy[i] over the i with ids[i] = r (cpu: in the order of i; elsewhere in one that the ids alone decide).
/// Every row is written: zeros where no id is r, or r is `padding`. Ids must lie in [0, n): the caller sees to that where it
/// can read them; on cuda and emu another one is passed over.
struct EmbeddingBackward {
  static constexpr const char* op = "embedding";
  Array dweight;              // out, (n, d), contiguous, floating point
  Array dy;                   // (m, d), contiguous
  Array ids;                  // (m) i64, contiguous
  std::int64_t padding = -1;  // the row that gets no gradient; negative: none
};

void validate(const EmbeddingBackward&);

}  // namespace lacuna
