#pragma once
// Twin of cuda/device/wgmma.cuh: the products happen at the wait, and until then d is NaN. d must stay where it is.
#include "../async.h"
#include "warpgroup.cuh"

namespace lacuna::emu {

template <int N, Major kA = Major::k, Major kB = Major::k>
void wgmma(float (&d)[N / 2], std::uint64_t a, std::uint64_t b, bool accumulate = true,
           Site at = Site::here()) {
  static_assert(N % 8 == 0 && N >= 8 && N <= 256);
  detail::product({{N, false, kA, kB}, d, nullptr, a, b, accumulate}, at);
}
template <int N, Major kB = Major::k>
void wgmma(float (&d)[N / 2], const std::uint32_t (&a)[4], std::uint64_t b, bool accumulate = true,
           Site at = Site::here()) {
  static_assert(N % 8 == 0 && N >= 8 && N <= 256);
  detail::product({{N, true, Major::k, kB}, d, a, 0, b, accumulate}, at);
}

template <int R>
void wgmma_fence(float (&)[R], Site at = Site::here()) {
  detail::product_fence(at);
}
inline void wgmma_commit(Site at = Site::here()) { detail::product_commit(at); }
template <int kPending, int R>
void wgmma_wait(float (&)[R], Site at = Site::here()) {
  detail::product_wait(kPending, at);
}

}  // namespace lacuna::emu
