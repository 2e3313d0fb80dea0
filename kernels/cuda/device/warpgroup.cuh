#pragma once
// What a block of several warpgroups (128 threads from a multiple of 128 on) needs on sm_90a beside barriers of the block.
#include <device/intrinsics.cuh>

// PTX that sm_90a alone has. Compiled for anything older it traps: nothing falls back.
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define LACUNA_SM90A(...) asm volatile(__VA_ARGS__)
#else
#define LACUNA_SM90A(...) __trap()
#endif

namespace lacuna::cuda {

inline constexpr int kWarpgroup = 128;

/// An address in the 32-bit window of shared memory.
__device__ __forceinline__ std::uint32_t shared_address(const void* p) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(p));
}

/// True for one lane of the warp, all of which must call it (elect.sync). Any lane may be the one.
__device__ __forceinline__ bool elect_one() {
  std::uint32_t elected = 0;
  LACUNA_SM90A("{\n.reg .pred p;\nelect.sync _|p, 0xffffffff;\nselp.u32 %0, 1, 0, p;\n}"
               : "=r"(elected));
  return elected != 0;
}

/// Registers of each thread of the calling warpgroup from here on (setmaxnreg): given back, or waited for. A multiple of 8
/// from 24 to 256; the kernel needs __launch_bounds__(threads, 1).
template <int N>
__device__ __forceinline__ void shrink_registers() {
  static_assert(N >= 24 && N <= 256 && N % 8 == 0);
  LACUNA_SM90A("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(N));
}
template <int N>
__device__ __forceinline__ void grow_registers() {
  static_assert(N >= 24 && N <= 256 && N % 8 == 0);
  LACUNA_SM90A("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(N));
}

/// Barrier `id` (1 to 15; 0 is __syncthreads') of `threads` threads, a multiple of 32 (bar.sync, bar.arrive): all of them wait,
/// or some only arrive.
__device__ __forceinline__ void barrier_sync(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
__device__ __forceinline__ void barrier_arrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

/// This thread's writes to shared memory, before what the tensor cores and tensor copies read of it (fence.proxy.async). The
/// others learn by a barrier behind it that it is done.
__device__ __forceinline__ void fence_async_proxy() {
  LACUNA_SM90A("fence.proxy.async.shared::cta;" ::: "memory");
}

}  // namespace lacuna::cuda
