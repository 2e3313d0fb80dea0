#pragma once
// The part of CUDA that kernels use, on the host. A kernel that needs more adds it here, with the behaviour that the
// CUDA C++ programming guide gives it.
#include <math.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../../dtype.h"
#include "builtins.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define LACUNA_UNROLL
#define LACUNA_NO_UNROLL
#define LACUNA_UNROLL_4
#define LACUNA_NOINLINE __attribute__((noinline))

namespace lacuna::emu {

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;

/// A vector access must be aligned to its size; x86 would let it pass.
inline void check_aligned(const void* p, std::size_t bytes) {
  if (reinterpret_cast<std::uintptr_t>(p) % bytes != 0)
    detail::kernel_error("access of " + std::to_string(bytes) + " bytes that is not aligned");
}

// ---- barriers and votes of the block ----

inline void __syncthreads(Site at = Site::here()) { detail::block_barrier("__syncthreads", at); }
inline int __syncthreads_or(int v, Site at = Site::here()) {
  return detail::block_barrier("__syncthreads_or", at, detail::Vote::any, v != 0);
}
inline int __syncthreads_and(int v, Site at = Site::here()) {
  return detail::block_barrier("__syncthreads_and", at, detail::Vote::all, v != 0);
}
inline int __syncthreads_count(int v, Site at = Site::here()) {
  return detail::block_barrier("__syncthreads_count", at, detail::Vote::count, v != 0);
}

// ---- the warp ----

inline void __syncwarp(unsigned mask = kAllLanes, Site at = Site::here()) {
  detail::warp_ballot("__syncwarp", at, mask, false);
}
inline unsigned __ballot_sync(unsigned mask, int v, Site at = Site::here()) {
  return detail::warp_ballot("__ballot_sync", at, mask, v != 0);
}
inline int __any_sync(unsigned mask, int v, Site at = Site::here()) {
  return detail::warp_ballot("__any_sync", at, mask, v != 0) != 0;
}
inline int __all_sync(unsigned mask, int v, Site at = Site::here()) {
  return detail::warp_ballot("__all_sync", at, mask, v == 0) == 0;
}

namespace detail {
template <class T>
T shuffle(const char* what, Site at, unsigned mask, T v, int source) {
  static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8,
                "shuffles take int, long long, float, double and such");
  std::uint64_t bits = 0;
  std::memcpy(&bits, &v, sizeof(T));
  bits = warp_exchange(what, at, mask, bits, source);
  std::memcpy(&v, &bits, sizeof(T));
  return v;
}
}  // namespace detail

// A source outside the lane's group of `width` means the lane itself, except for __shfl_sync, where it wraps round.
template <class T>
T __shfl_sync(unsigned mask, T v, int source, int width = kWarp, Site at = Site::here()) {
  const int first = detail::lane() & ~(width - 1);
  return detail::shuffle("__shfl_sync", at, mask, v, first + (source & (width - 1)));
}
template <class T>
T __shfl_up_sync(unsigned mask, T v, unsigned delta, int width = kWarp, Site at = Site::here()) {
  const int me = detail::lane(), source = me - static_cast<int>(delta);
  return detail::shuffle("__shfl_up_sync", at, mask, v, source < (me & ~(width - 1)) ? me : source);
}
template <class T>
T __shfl_down_sync(unsigned mask, T v, unsigned delta, int width = kWarp, Site at = Site::here()) {
  const int me = detail::lane(), source = me + static_cast<int>(delta);
  return detail::shuffle("__shfl_down_sync", at, mask, v,
                         source > (me | (width - 1)) ? me : source);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T v, int lanes, int width = kWarp, Site at = Site::here()) {
  const int me = detail::lane(), source = me ^ lanes;
  return detail::shuffle("__shfl_xor_sync", at, mask, v, source > (me | (width - 1)) ? me : source);
}

// ---- memory ----

// One host thread runs the whole grid and switches only where a thread waits, so a plain update is atomic.
template <class T>
T atomicExch(T* p, std::type_identity_t<T> v) {
  const T old = *p;
  *p = v;
  return old;
}
template <class T>
T atomicAdd(T* p, std::type_identity_t<T> v) {
  return atomicExch(p, static_cast<T>(*p + v));
}
template <class T>
T atomicMax(T* p, std::type_identity_t<T> v) {
  return atomicExch(p, *p < v ? v : *p);
}
template <class T>
T atomicMin(T* p, std::type_identity_t<T> v) {
  return atomicExch(p, v < *p ? v : *p);
}
template <class T>
T atomicOr(T* p, std::type_identity_t<T> v) {
  return atomicExch(p, *p | v);
}
template <class T>
T atomicAnd(T* p, std::type_identity_t<T> v) {
  return atomicExch(p, *p & v);
}
template <class T>
T atomicCAS(T* p, std::type_identity_t<T> compare, std::type_identity_t<T> v) {
  return atomicExch(p, *p == compare ? v : *p);
}

inline void __threadfence() {}
inline void __threadfence_block() {}
/// A loop that waits for another thread of its block must call this, or no other thread ever runs.
inline void __nanosleep(unsigned) { detail::yield(); }

template <class T>
T __ldg(const T* p) {
  return *p;
}
template <class T>
T __ldcs(const T* p) {
  return *p;
}
template <class T>
void __stcs(T* p, T v) {
  *p = v;
}

// ---- numbers ----

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
// Rounded by themselves, never fused with what comes next.
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __clz(int v) { return v ? __builtin_clz(static_cast<unsigned>(v)) : 32; }
inline int __ffs(int v) { return __builtin_ffs(v); }

}  // namespace lacuna::emu
