#pragma once
// Pooling on cpu: geometry, and the two implementations.
#include <cstdint>

#include "../pool2d.h"

namespace lacuna::cpu {

/// Taps first, ..., last - 1 of the window at output i lie inside [0, size); the first of them at position `at`.
struct PoolTaps {
  std::int64_t first, last, at;
  std::int64_t count() const { return last - first; }
};
inline PoolTaps pool_taps(std::int64_t i, std::int64_t size, std::int64_t kernel, const Window2d& w,
                          int axis) {
  const std::int64_t start = i * w.stride[axis] - w.padding[axis], d = w.dilation[axis];
  const std::int64_t first = start < 0 ? (-start + d - 1) / d : 0;
  const std::int64_t room = size - start;
  std::int64_t last = room <= 0 ? 0 : (room + d - 1) / d;
  if (last > kernel) last = kernel;
  return {first, last < first ? first : last, start + first * d};
}

/// What a window's sum is multiplied by.
inline double pool_scale(std::int64_t inside, const std::int64_t* kernel, bool count_include_pad) {
  const std::int64_t count = count_include_pad ? kernel[0] * kernel[1] : inside;
  return count ? 1.0 / static_cast<double>(count) : 0.0;
}

void pool2d_forward_f32(const Pool2dForward&);
void pool2d_backward_f32(const Pool2dBackward&);

}  // namespace lacuna::cpu
