#pragma once
// Twin of cuda/device/mbarrier.cuh: the same counts, in bits of our own. See ../mbarrier.cpp for what it reports.
#include "../async.h"
#include "warpgroup.cuh"

namespace lacuna::emu {

struct Mbarrier {
  std::uint64_t bits;

  void init(int count, Site at = Site::here()) { detail::mbarrier_init(bits, count, at); }
  void arrive(Site at = Site::here()) { detail::mbarrier_arrive(bits, 0, at); }
  void arrive_expect(int bytes, Site at = Site::here()) {
    detail::mbarrier_arrive(bits, bytes, at);
  }
  bool try_wait(unsigned parity, Site at = Site::here()) {
    return detail::mbarrier_wait(bits, parity, true, at);
  }
  void wait(unsigned parity, Site at = Site::here()) {
    detail::mbarrier_wait(bits, parity, false, at);
  }
};

inline void mbarrier_init_fence(Site at = Site::here()) { detail::mbarrier_init_fence(at); }

}  // namespace lacuna::emu
