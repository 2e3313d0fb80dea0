#pragma once
// How the threads of a block bring an operand of gemm.cuh, as its Side (sides.cuh) finds it, to shared memory.
#include <device/async.cuh>
#include <device/shared.cuh>
#include <device/tile.cuh>
#include <device/vec.cuh>

namespace lacuna::LACUNA_NS {

/// What a thread copies of an operand's tiles: kVectors vectors, of kLines lines or kDepths k. A side that finds single
/// elements of 2 bytes, for which there are no asynchronous copies, goes through registers (kHeld): they are loaded by
/// start(), two that make a word of shared memory by one thread, and stored by finish(), while the tile between is multiplied.
template <class Shape, class Side, int kTileLines>
struct TileCopy {
  using T = typename Shape::T;
  static constexpr int kFound = Side::kVector, V = kFound > 1 ? kFound : 4 / sizeof(T);
  static constexpr bool kAlongK = Side::kAlongK, kHeld = V != kFound;
  using Tile = SharedTile<Shape, kTileLines, kAlongK>;
  static constexpr int kVectors = kTileLines * Shape::kK / V / Shape::kThreads;
  static constexpr int kAcross = (kAlongK ? Shape::kK : kTileLines) / V;  // in a row of the tile
  static constexpr int kStep = Shape::kThreads / kAcross;
  static_assert(kVectors >= 1 && Shape::kThreads % kAcross == 0);
  static constexpr int kLines = kAlongK ? kVectors : 1, kDepths = kAlongK ? 1 : kVectors;
  // Places that are decoded for one vector.
  static constexpr int kLineParts = kHeld && !kAlongK ? V : 1,
                       kDepthParts = kHeld && kAlongK ? V : 1;

  typename Side::Line lines[kLines][kLineParts];
  Vec<T, V> held[kHeld ? kVectors : 1];

  static __device__ int line(int i) {
    return kAlongK ? threadIdx.x / kAcross + i * kStep : threadIdx.x % kAcross * V;
  }
  static __device__ int depth(int i) {
    return kAlongK ? threadIdx.x % kAcross * V : threadIdx.x / kAcross + i * kStep;
  }

  __device__ TileCopy(const Side& side, int first) {
    LACUNA_UNROLL
    for (int i = 0; i < kLines; i++) LACUNA_UNROLL
    for (int q = 0; q < kLineParts; q++) lines[i][q] = side.line(first + line(i) + q);
  }
  /// Starts k from `first` on; zeros from `end` on.
  __device__ __forceinline__ void start(AsyncCopies& copies, Tile tile, const Side& side, int first,
                                        int end) {
    if constexpr (kHeld) {
      load(side, first, end);
    } else {
      LACUNA_NO_UNROLL  // for the registers
          for (int i = 0; i < kDepths; i++) {
        const auto d = side.depth(first + depth(i), end);
        LACUNA_UNROLL
        for (int j = 0; j < kLines; j++) {
          const auto found = side.find(lines[j][0], d);
          tile.template copy<V>(copies, line(j), depth(i), found.p, found.n, side.wide);
        }
      }
    }
  }
  /// Once the stage that `tile` is may be written, and after start().
  __device__ __forceinline__ void finish(Tile tile) const {
    if constexpr (kHeld) {
      LACUNA_UNROLL
      for (int i = 0; i < kDepths; i++) LACUNA_UNROLL
      for (int j = 0; j < kLines; j++) tile.store(line(j), depth(i), held[i * kLines + j]);
    }
  }

 private:
  __device__ __forceinline__ void load(const Side& side, int first, int end) {
    LACUNA_UNROLL
    for (int i = 0; i < kDepths; i++) {
      typename Side::Depth d[kDepthParts];
      LACUNA_UNROLL
      for (int q = 0; q < kDepthParts; q++) d[q] = side.depth(first + depth(i) + q, end);
      LACUNA_UNROLL
      for (int j = 0; j < kLines; j++) LACUNA_UNROLL
      for (int q = 0; q < V; q++) {
        const auto found = side.find(lines[j][kAlongK ? 0 : q], d[kAlongK ? q : 0]);
        held[i * kLines + j].v[q] = found.n > 0 ? *found.p : T(0.0f);
      }
    }
  }
};

}  // namespace lacuna::LACUNA_NS
