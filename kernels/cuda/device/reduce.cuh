#pragma once
// Reductions within a warp and within a block; every thread gets the result, and all get the same bits: an exchange
// between lanes l and l^d adds the same two numbers on both sides.
#include <device/intrinsics.cuh>
#include <device/shared.cuh>

namespace lacuna::LACUNA_NS {

struct Sum {
  static __device__ float identity() { return 0.0f; }
  static __device__ float apply(float a, float b) { return a + b; }
};

/// A NaN loses against a number, as in fmaxf.
struct Max {
  static __device__ float identity() { return -INFINITY; }
  static __device__ float apply(float a, float b) { return fmaxf(a, b); }
};

/// Over the 32 lanes of a whole warp.
template <class Op>
__device__ __forceinline__ float warp_reduce(float v) {
  LACUNA_UNROLL
  for (int d = kWarp / 2; d > 0; d /= 2) v = Op::apply(v, __shfl_xor_sync(kAllLanes, v, d));
  return v;
}

/// Over a one-dimensional block of whole warps. Two barriers: one before the partial results are read, and one before
/// the next call may overwrite them.
template <class Op>
__device__ __forceinline__ float block_reduce(float v) {
  LACUNA_SHARED(float, partial, [kWarp]);
  const unsigned warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  v = warp_reduce<Op>(v);
  if (lane == 0) partial[warp] = v;
  __syncthreads();
  v = warp_reduce<Op>(lane < blockDim.x / kWarp ? partial[lane] : Op::identity());
  __syncthreads();
  return v;
}

}  // namespace lacuna::LACUNA_NS
