#pragma once
// Twin of cuda/device/warpgroup.cuh.
#include "../async.h"
#include "intrinsics.cuh"

namespace lacuna::emu {

inline constexpr int kWarpgroup = 128;

inline std::uint32_t shared_address(const void* p) { return detail::shared_address(p); }

/// The last lane, so that nobody counts on the first.
inline bool elect_one(Site at = Site::here()) {
  detail::warp_ballot("elect.sync", at, kAllLanes, true);
  return detail::lane() == kWarp - 1;
}

/// Registers are not counted; all threads of the warpgroup must come.
template <int N>
void shrink_registers(Site at = Site::here()) {
  static_assert(N >= 24 && N <= 256 && N % 8 == 0);
  detail::warpgroup_collective("setmaxnreg", at, nullptr, [](void* const*) {});
}
template <int N>
void grow_registers(Site at = Site::here()) {
  shrink_registers<N>(at);
}

inline void barrier_sync(int id, int threads, Site at = Site::here()) {
  detail::named_barrier("bar.sync", at, id, threads, true);
}
inline void barrier_arrive(int id, int threads, Site at = Site::here()) {
  detail::named_barrier("bar.arrive", at, id, threads, false);
}

inline void fence_async_proxy(Site at = Site::here()) { detail::fence_async_proxy(at); }

}  // namespace lacuna::emu
