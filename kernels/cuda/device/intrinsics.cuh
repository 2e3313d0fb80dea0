#pragma once
// What kernels may use of CUDA beyond plain C++: __syncthreads and its votes, __syncwarp, __shfl_*_sync, __ballot_sync,
// __any_sync, __all_sync, atomics, __ldg/__ldcs/__stcs, __threadfence, __nanosleep. nvcc has them; emu's header of the
// same name is the list.
#include <cuda_runtime.h>

#include <cstdint>

#include "../../dtype.h"

#define LACUNA_UNROLL _Pragma("unroll")
#define LACUNA_NO_UNROLL _Pragma("unroll 1")
#define LACUNA_UNROLL_4 _Pragma("unroll 4")
#define LACUNA_NOINLINE __noinline__

namespace lacuna::cuda {

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;

/// emu reports a misaligned vector access; the hardware traps on it by itself.
__device__ inline void check_aligned(const void*, std::size_t) {}

}  // namespace lacuna::cuda
