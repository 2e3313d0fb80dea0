#pragma once
// What both directions of InfoNCE have in common: the problem, how it is shared out, and the stages of its tiles.
#include <device/launch.cuh>
#include <device/workspace.cuh>

#include "../info_nce.h"
#include "gemm.cuh"
#include "row_tile.cuh"

namespace lacuna::LACUNA_NS {

template <Math kMath>
using PairShape = RowShape<kMath, kMath == Math::bf16 ? 64 : 32>;

/// What a kernel is told.
struct InfoNceProblem {
  int rows, columns, depth, self;
  const std::int64_t* positive;
  float scale, inverse;  // log2(e) / tau, 1 / tau
  int tiles_a_part;

  /// The first column (or row) of a part, and its tiles among `others`.
  __device__ int begin(int part) const { return part * tiles_a_part * kTileRows; }
  __device__ int tiles(int part, int others) const {
    const int left = (others - begin(part) + kTileRows - 1) / kTileRows;
    return left < tiles_a_part ? left : tiles_a_part;
  }
  /// Pieces of d columns; one where there are none, so that scores are 0.
  __device__ int chunks(int d) const { return depth > d ? (depth + d - 1) / d : 1; }

  /// Row i's own column, or -1.
  __device__ int own(int i) const { return self < 0 ? -1 : self + i; }
  /// Row i's positive, or -1 where that is no column or the row's own.
  __device__ int positive_of(int i) const {
    const std::int64_t j = positive[i];
    return j >= 0 && j < columns && j != own(i) ? static_cast<int>(j) : -1;
  }
};

// Two stages of a tile of x and one of y, in turns: what is multiplied, and what is on its way.
template <class Shape>
struct Stages {
  using T = typename Shape::T;
  static constexpr int kTile = kTileRows * Shape::kPitch;
  T* room;
  int depth;
  AsyncCopies copies;

  __device__ T* x(int step) const { return room + step % 2 * 2 * kTile; }
  __device__ T* y(int step) const { return x(step) + kTile; }
  /// Columns k to k + D of 64 lines from `first` on.
  __device__ __forceinline__ void start(T* tile, const Rows<const T>& lines, int first, int end,
                                        int k) {
    load_tile<Shape, kTileRows>(copies, tile, {lines.p + k, lines.stride, lines.wide}, first, end,
                                depth - k);
  }
  /// All that was started is there, and the other stage is not needed any more.
  __device__ __forceinline__ void arrive() {
    copies.wait();
    __syncthreads();
  }
};
#define LACUNA_STAGES(name, Shape) \
  LACUNA_SHARED(float, name, [4 * kTileRows * Shape::kPitch * sizeof(typename Shape::T) / 4])

template <class Args>
InfoNceProblem problem_of(const Args& a) {
  const GemmSizes size = gemm_sizes(Args::op, a.rows.dim(0), a.columns.dim(0), a.rows.dim(1));
  InfoNceProblem p;
  p.rows = size.m;
  p.columns = size.n;
  p.depth = size.k;
  p.self = static_cast<int>(a.self);
  p.positive = a.positive.template as<std::int64_t>();
  p.scale = static_cast<float>(1.4426950408889634 / a.temperature);
  p.inverse = static_cast<float>(1 / a.temperature);
  return p;
}

// Shares `others` out over parts where `blocks` are fewer than two a multiprocessor; returns their number.
inline int share_out(InfoNceProblem& p, std::int64_t blocks, int others) {
  const auto tiles = std::max<std::int64_t>(ceil_div(others, kTileRows), 1);
  const auto wanted =
      std::clamp<std::int64_t>(2 * kMultiprocessors / std::max<std::int64_t>(blocks, 1), 1, tiles);
  p.tiles_a_part = static_cast<int>(ceil_div(tiles, wanted));
  return static_cast<int>(ceil_div(tiles, p.tiles_a_part));
}

template <class T>
Rows<const T> rows_of(const Array& a) {
  const bool wide = reinterpret_cast<std::uintptr_t>(a.data) % 16 == 0 &&
                    a.dim(1) * static_cast<std::int64_t>(sizeof(T)) % 16 == 0;
  return {a.as<T>(), a.dim(1), wide};
}

}  // namespace lacuna::LACUNA_NS
