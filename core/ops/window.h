#pragma once
// What convolution and pooling share: sizes that come in pairs.
#include "../../kernels/epilogue.h"
#include "../../kernels/window.h"
#include "../tensor.h"

namespace lacuna {

/// Height and width; one number stands for both.
struct Pair {
  std::int64_t h, w;
  Pair(std::int64_t both) : h(both), w(both) {}  // NOLINT(google-explicit-constructor): .stride = 2
  Pair(std::int64_t height, std::int64_t width) : h(height), w(width) {}
};

namespace detail {

/// The window of an op; fails where a stride or dilation is below 1 or a padding below 0.
Window2d window_of(const char* op, Pair stride, Pair padding, Pair dilation);

/// Fails unless t has four dimensions, which `layout` names.
void check_four(const char* op, const char* name, const Tensor& t, const char* layout);

/// Gradient before an epilogue from the one after it: dy * f'(y), where y is what the epilogue returned. relu masks.
Tensor before_epilogue(Epilogue epilogue, Tensor dy, const Tensor& y);

}  // namespace detail
}  // namespace lacuna
