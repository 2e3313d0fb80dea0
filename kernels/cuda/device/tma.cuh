#pragma once
// Copies of boxes between global and shared memory, started by one thread and done by the copy engine (PTX ISA,
// "cp.async.bulk.tensor"). A box lies line by line in shared memory, swizzled as its map says, at a multiple of 128
// bytes (of 1024 with a swizzle). Coordinates are those of the box's first element, dimension 0 first; elements outside the
// region are read as zeros, and not written.
#include <cuda.h>  // CUtensorMap; the driver itself is never linked
#include <device/mbarrier.cuh>
#include <device/tensor_map.cuh>

namespace lacuna::cuda {

/// A parameter `const __grid_constant__ TensorMap map` of the kernel, never a copy of it.
using TensorMap = CUtensorMap;

/// By the driver, whose entry point is asked for when first needed. Throws where check_region does, or without a driver.
TensorMap encode(const TensorRegion& region);

/// Hides the latency of the first use of a map.
__device__ __forceinline__ void prefetch_map(const TensorMap& map) {
  LACUNA_SM90A("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
}

// The instruction for each number of coordinates c.
#define LACUNA_TMA_BY_RANK(OP)                                                \
  if constexpr (sizeof...(at) == 1)                                           \
    OP("1d", "{%3}", "r"(c[0]));                                              \
  else if constexpr (sizeof...(at) == 2)                                      \
    OP("2d", "{%3, %4}", "r"(c[0]), "r"(c[1]));                               \
  else if constexpr (sizeof...(at) == 3)                                      \
    OP("3d", "{%3, %4, %5}", "r"(c[0]), "r"(c[1]), "r"(c[2]));                \
  else if constexpr (sizeof...(at) == 4)                                      \
    OP("4d", "{%3, %4, %5, %6}", "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3])); \
  else                                                                        \
    OP("5d", "{%3, %4, %5, %6, %7}", "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]), "r"(c[4]))

/// When it has come, its box_bytes() count for the present phase of `done`, which must expect them.
template <class... At>
__device__ __forceinline__ void load_box(void* to, const TensorMap& map, Mbarrier& done, At... at) {
  static_assert(sizeof...(at) >= 1 && sizeof...(at) <= 5);
  [[maybe_unused]] const int c[] = {static_cast<int>(at)...};
#define LACUNA_TMA_LOAD(rank, coordinates, ...)                                                    \
  LACUNA_SM90A("cp.async.bulk.tensor." rank                                                        \
               ".shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, " coordinates \
               "], [%2];" ::"r"(shared_address(to)),                                               \
               "l"(&map), "r"(shared_address(&done.bits)), __VA_ARGS__                             \
               : "memory")
  LACUNA_TMA_BY_RANK(LACUNA_TMA_LOAD);
#undef LACUNA_TMA_LOAD
}

/// Pixels of an im2col map: channels from c on, the first output's base (w, h) in image n, and the tap's offset from bases.
__device__ __forceinline__ void load_pixels(void* to, const TensorMap& map, Mbarrier& done, int c,
                                            int w, int h, int n, int tap_w, int tap_h) {
  LACUNA_SM90A(
      "cp.async.bulk.tensor.4d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes [%0], "
      "[%1, {%3, %4, %5, %6}], [%2], {%7, %8};" ::"r"(shared_address(to)),
      "l"(&map), "r"(shared_address(&done.bits)), "r"(c), "r"(w), "r"(h), "r"(n),
      "h"(static_cast<std::uint16_t>(tap_w)), "h"(static_cast<std::uint16_t>(tap_h))
      : "memory");
}

/// Part of the thread's open group of stores. Those who wrote what it reads have fenced (fence_async_proxy) and met.
template <class... At>
__device__ __forceinline__ void store_box(const TensorMap& map, const void* from, At... at) {
  static_assert(sizeof...(at) >= 1 && sizeof...(at) <= 5);
  [[maybe_unused]] const int c[] = {static_cast<int>(at)...};
#define LACUNA_TMA_STORE(rank, coordinates, ...)                       \
  LACUNA_SM90A("cp.async.bulk.tensor." rank                            \
               ".global.shared::cta.tile.bulk_group [%1, " coordinates \
               "], [%0];" ::"r"(shared_address(from)),                 \
               "l"(&map), "n"(0), __VA_ARGS__                          \
               : "memory")
  LACUNA_TMA_BY_RANK(LACUNA_TMA_STORE);
#undef LACUNA_TMA_STORE
}
#undef LACUNA_TMA_BY_RANK

/// Closes the thread's open group of stores.
__device__ __forceinline__ void commit_stores() {
  LACUNA_SM90A("cp.async.bulk.commit_group;" ::: "memory");
}
/// Waits until all but the thread's last kPending groups have read shared memory, which may then be written again.
template <int kPending>
__device__ __forceinline__ void wait_stores_read() {
  LACUNA_SM90A("cp.async.bulk.wait_group.read %0;" ::"n"(kPending) : "memory");
}
/// Waits until they have also written global memory, so that the thread sees it.
template <int kPending>
__device__ __forceinline__ void wait_stores() {
  LACUNA_SM90A("cp.async.bulk.wait_group %0;" ::"n"(kPending) : "memory");
}

}  // namespace lacuna::cuda
