#pragma once
// Twin of cuda/device/ldmatrix.cuh.
#include "../engine.h"
#include "intrinsics.cuh"

namespace lacuna::emu {

inline void ldmatrix_x4_trans(std::uint32_t (&r)[4], const void* row, Site at = Site::here()) {
  check_aligned(row, 16);
  struct Lane {
    const std::uint16_t* row;
    std::uint32_t* r;
  } mine{static_cast<const std::uint16_t*>(row), r};
  detail::warp_collective("ldmatrix", at, &mine, [](void* const* lanes) {
    const auto row = [&](int l) { return static_cast<const Lane*>(lanes[l])->row; };
    for (int l = 0; l < kWarp; l++)
      for (int q = 0; q < 4; q++)
        static_cast<const Lane*>(lanes[l])->r[q] =
            row(8 * q + l % 4 * 2)[l / 4] |
            static_cast<std::uint32_t>(row(8 * q + l % 4 * 2 + 1)[l / 4]) << 16;
  });
}

inline std::uint32_t pack_bf16(float low, float high) {
  return bf16(low).bits | static_cast<std::uint32_t>(bf16(high).bits) << 16;
}

}  // namespace lacuna::emu
