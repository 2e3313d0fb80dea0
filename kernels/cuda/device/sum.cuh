#pragma once
// Sums in f64 over a warp or a block. f32 values are added in runs of a few before they go on in f64: as exact as f64 all
// the way for what f32 can show, at a fraction of the conversions.
#include <device/intrinsics.cuh>
#include <device/shared.cuh>

namespace lacuna::LACUNA_NS {

/// Over G threads: 32, a whole warp, or more, a whole one-dimensional block of G. Every thread of the warp (thread 0's
/// warp, in a block) gets the sum, in a fixed order.
template <int G>
__device__ __forceinline__ double group_sum(double v) {
  LACUNA_UNROLL
  for (int d = kWarp / 2; d > 0; d /= 2) v += __shfl_xor_sync(kAllLanes, v, d);
  if constexpr (G > kWarp) {
    LACUNA_SHARED(double, partial, [G / kWarp]);
    if (threadIdx.x % kWarp == 0) partial[threadIdx.x / kWarp] = v;
    __syncthreads();
    v = 0;
    LACUNA_UNROLL
    for (int w = 0; w < G / kWarp; w++) v += partial[w];
    __syncthreads();  // before the next call may overwrite them
  }
  return v;
}

/// The sum of N values, pairwise.
template <int N>
__device__ __forceinline__ float pairwise_sum(float (&v)[N]) {
  LACUNA_UNROLL
  for (int n = 1; n < N; n *= 2) LACUNA_UNROLL
  for (int k = 0; k + n < N; k += 2 * n) v[k] += v[k + n];
  return v[0];
}

}  // namespace lacuna::LACUNA_NS
