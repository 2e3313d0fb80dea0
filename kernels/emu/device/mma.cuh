#pragma once
// Twin of cuda/device/mma.cuh: the last lane to come multiplies for the whole warp, from everyone's registers.
#include "../engine.h"
#include "intrinsics.cuh"

namespace lacuna::emu {

namespace detail {

struct MmaLane {
  float* c;
  const std::uint32_t *a, *b;
};

// Where PTX puts an element: element (row, column) of C is c[2 * (row >= 8) + column % 2] of lane 4 * (row % 8) + column / 2.
// A and B are the same with K in place of a column, kPack elements a register and 4 * kPack of them a register block.
template <int kPack, class Value>
void mma_warp(void* const* lanes, Value value) {
  const auto lane = [&](int l) { return static_cast<const MmaLane*>(lanes[l]); };
  constexpr int K = 8 * kPack;
  float a[16][K], b[8][K];
  for (int k = 0; k < K; k++) {
    const int t = k / kPack % 4, high = k / (4 * kPack), part = k % kPack;
    for (int i = 0; i < 16; i++) a[i][k] = value(lane(4 * (i % 8) + t)->a[2 * high + i / 8], part);
    for (int j = 0; j < 8; j++) b[j][k] = value(lane(4 * j + t)->b[high], part);
  }
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < 8; j++) {
      float sum = 0;
      for (int k = 0; k < K; k++) sum += a[i][k] * b[j][k];
      lane(4 * (i % 8) + j / 2)->c[2 * (i / 8) + j % 2] += sum;
    }
}

inline float float_of(std::uint32_t bits) {
  float v;
  std::memcpy(&v, &bits, 4);
  return v;
}

}  // namespace detail

/// Rounds to 10 bits of fraction, ties away from zero, as cvt.rna.tf32.f32 does.
inline std::uint32_t to_tf32(float v) {
  std::uint32_t bits;
  std::memcpy(&bits, &v, 4);
  return v != v || v - v != 0 ? bits : (bits + 0x1000u) & 0xffffe000u;
}

namespace detail {
struct MatrixLane {
  std::uint32_t* r;
  const std::uint16_t* row;
};
}  // namespace detail

/// As in cuda's header.
template <bool kTransposed>
void load_matrices(std::uint32_t (&r)[4], const void* row, Site at = Site::here()) {
  check_aligned(row, 16);
  detail::MatrixLane mine{r, static_cast<const std::uint16_t*>(row)};
  detail::warp_collective("ldmatrix", at, &mine, [](void* const* lanes) {
    const auto lane = [&](int l) { return static_cast<const detail::MatrixLane*>(lanes[l]); };
    for (int l = 0; l < kWarp; l++)
      for (int i = 0; i < 4; i++) {
        const int g = l / 4, t = l % 4;
        const auto element = [&](int k) {
          return std::uint32_t{kTransposed ? lane(8 * i + 2 * t + k)->row[g]
                                           : lane(8 * i + g)->row[2 * t + k]};
        };
        lane(l)->r[i] = element(0) | element(1) << 16;
      }
  });
}

/// Two bf16 in a register, the first in its lower half.
inline std::uint32_t pack_bf16(float first, float second) {
  return std::uint32_t{bf16(first).bits} | std::uint32_t{bf16(second).bits} << 16;
}

inline void mma_m16n8k8_tf32(float (&c)[4], const std::uint32_t (&a)[4],
                             const std::uint32_t (&b)[2], Site at = Site::here()) {
  detail::MmaLane mine{c, a, b};
  detail::warp_collective("mma", at, &mine, [](void* const* lanes) {
    // The hardware reads 19 bits.
    detail::mma_warp<1>(lanes,
                        [](std::uint32_t v, int) { return detail::float_of(v & 0xffffe000u); });
  });
}

inline void mma_m16n8k16_bf16(float (&c)[4], const std::uint32_t (&a)[4],
                              const std::uint32_t (&b)[2], Site at = Site::here()) {
  detail::MmaLane mine{c, a, b};
  detail::warp_collective("mma", at, &mine, [](void* const* lanes) {
    detail::mma_warp<2>(lanes, [](std::uint32_t v, int part) {
      return detail::float_of(part ? v & 0xffff0000u : v << 16);
    });
  });
}

}  // namespace lacuna::emu
