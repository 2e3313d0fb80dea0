#pragma once
// How a window moves over an image, for convolution and pooling. Every pair is (height, width).
#include <cstdint>

namespace lacuna {

struct Window2d {
  std::int64_t stride[2] = {1, 1};    // pixels between two windows, at least 1
  std::int64_t padding[2] = {0, 0};   // pixels added on each of both sides, at least 0
  std::int64_t dilation[2] = {1, 1};  // pixels between two taps, at least 1

  /// Pixels from the first tap to the last, both included. axis: 0 height, 1 width.
  std::int64_t span(std::int64_t kernel, int axis) const {
    return dilation[axis] * (kernel - 1) + 1;
  }
  /// Windows that fit: floor((size + 2 padding - span) / stride) + 1, and 0 where none does.
  std::int64_t output(std::int64_t size, std::int64_t kernel, int axis) const {
    const std::int64_t room = size + 2 * padding[axis] - span(kernel, axis);
    return room < 0 ? 0 : room / stride[axis] + 1;
  }
};

/// Throws where a stride or dilation is below 1 or a padding below 0.
void check_window(const char* op, const Window2d& window);

}  // namespace lacuna
