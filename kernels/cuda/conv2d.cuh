#pragma once
// What convolution's products have in common: the input as patches, groups as a batch.
#include "conv2d.h"
#include "gemm.cuh"
#include "sides.cuh"

namespace lacuna::LACUNA_NS {

inline int to_int(std::int64_t v) { return static_cast<int>(v); }

// Vectors of 16 bytes, or single elements where they would not be aligned within a tap.
template <class T, class F>
void with_patch_vector(const Array& image, std::int64_t channels, F&& f) {
  constexpr int kWide = 16 / sizeof(T);
  if (channels % kWide == 0 && image.dim(3) % kWide == 0 &&
      reinterpret_cast<std::uintptr_t>(image.data) % 16 == 0)
    f(std::integral_constant<int, kWide>{});
  else
    f(std::integral_constant<int, 1>{});
}

template <class T>
bool aligned(const Array& a, std::int64_t stride) {
  return reinterpret_cast<std::uintptr_t>(a.data) % 16 == 0 && stride % (16 / sizeof(T)) == 0;
}

inline Batches groups_of(std::int64_t groups, std::int64_t a, std::int64_t b, std::int64_t c,
                         std::int64_t bias) {
  Batches batches;
  batches.ndim = 1;
  batches.count = batches.shape[0] = groups;
  batches.a[0] = a, batches.b[0] = b, batches.c[0] = c, batches.bias[0] = bias;
  return batches;
}

/// x seen through y's windows: windows by (taps x channels).
template <class T, bool kAlongK, int V>
PatchSide<T, kAlongK, V> input_patches(const Conv& c) {
  return {.p = c.x.as<T>(),
          .height = to_int(c.x.dim(1)),
          .width = to_int(c.x.dim(2)),
          .pixel = to_int(c.x.dim(3)),
          .windows = to_int(c.y.dim(0) * c.y.dim(1) * c.y.dim(2)),
          .rows = to_int(c.y.dim(1)),
          .columns = to_int(c.y.dim(2)),
          .taps = to_int(c.weight.dim(1) * c.weight.dim(2)),
          .tap_columns = to_int(c.weight.dim(2)),
          .channels = to_int(c.weight.dim(3)),
          .step = {to_int(c.window.stride[0]), to_int(c.window.stride[1])},
          .start = {to_int(-c.window.padding[0]), to_int(-c.window.padding[1])},
          .tap = {to_int(c.window.dilation[0]), to_int(c.window.dilation[1])}};
}

}  // namespace lacuna::LACUNA_NS
