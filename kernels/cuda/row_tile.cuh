#pragma once
// Products of tiles of rows, for attention and InfoNCE: 4 warps, each with 16 of a tile's 64 rows and all of its columns, so
// that a row of scores lies in four lanes and never crosses warps. Tiles are [row][d] in shared memory and enter products
// both ways:
//   scores       C (rows, columns) += A (row, d) B (column, d)^T
//   accumulate   C (rows, d) += A (row, column) B (column, d), where A is an earlier C, still in registers (Dao 2023): for
//                bf16 the layouts agree; for tf32 the order of k is free, and k = t stands for column 2t, t + 4 for 2t + 1
// f32 is 3xTF32: a number is the sum of two tf32, and three of the four products are taken, about 22 bits.
// A tile's row is 16 bytes longer than D: a warp's reads meet every bank once, in both forms.
#include <device/async.cuh>
#include <device/mma.cuh>
#include <device/reduce.cuh>
#include <device/tile.cuh>

namespace lacuna::LACUNA_NS {

inline constexpr float kLog2E = 1.44269504f, kLn2 = 0.69314718f;
inline constexpr int kTileRows = 64, kTileThreads = kTileRows / 16 * kWarp;

template <Math kMath_, int kDepth>
struct RowShape {
  static constexpr Math kMath = kMath_;
  using T = std::conditional_t<kMath == Math::bf16, bf16, float>;
  static constexpr int D = kDepth, kPitch = D + 16 / sizeof(T);
  static constexpr int kDeep = kMath == Math::bf16 ? 16 : 8;  // k of one product
};

/// Rows of numbers that lie side by side; `wide`: rows begin at multiples of 16 bytes.
template <class T>
struct Rows {
  T* p;
  std::int64_t stride;
  bool wide;
};

/// Rows [first, first + kRows) on their way to a tile: zeros from row `end` and from column d on.
template <class Shape, int kRows, class T = typename Shape::T>
__device__ __forceinline__ void load_tile(AsyncCopies& copies, T* tile, const Rows<const T>& from,
                                          int first, int end, int d) {
  constexpr int V = 16 / sizeof(T), kAcross = Shape::D / V;
  LACUNA_NO_UNROLL  // for the registers
      for (int e = threadIdx.x; e < kRows * kAcross; e += kTileThreads) {
    const int row = e / kAcross, column = e % kAcross * V;
    const int left = first + row < end ? d - column : 0, count = left < 0 ? 0 : left < V ? left : V;
    const T* const source = count ? from.p + (first + row) * from.stride + column : from.p;
    T* const to = tile + row * Shape::kPitch + column;
    if (from.wide) {
      copies.copy16(to, source, count * static_cast<int>(sizeof(T)));
    } else {
      LACUNA_UNROLL
      for (int i = 0; i < V; i++) to[i] = i < count ? source[i] : T(0.0f);
    }
  }
}

/// Registers of A (N = 4) or B (N = 2). In f32 each number is the sum of two tf32.
template <class Shape, int N>
struct Fragment {
  static constexpr int kParts = Shape::kMath == Math::f32 ? 2 : 1;
  std::uint32_t part[kParts][N];

  __device__ __forceinline__ void set(int i, float v) {
    part[0][i] = to_tf32(v);
    if constexpr (kParts == 2) {
      float high;
      memcpy(&high, &part[0][i], 4);
      part[1][i] = to_tf32(v - high);
    }
  }
};

/// c += a b; in f32 all but the product of the low parts, small ones first.
template <class Shape>
__device__ __forceinline__ void multiply(float (&c)[4], const Fragment<Shape, 4>& a,
                                         const Fragment<Shape, 2>& b) {
  if constexpr (Shape::kMath == Math::bf16) {
    mma_m16n8k16_bf16(c, a.part[0], b.part[0]);
  } else {
    if constexpr (Shape::kMath == Math::f32) {
      mma_m16n8k8_tf32(c, a.part[1], b.part[0]);
      mma_m16n8k8_tf32(c, a.part[0], b.part[1]);
    }
    mma_m16n8k8_tf32(c, a.part[0], b.part[0]);
  }
}

/// A thread's share of C: c[j][r] is row g + r / 2 * 8 of its warp's 16, column 8 j + 2 t + r % 2.
struct Lane {
  int row0, g, t;
  __device__ Lane()
      : row0(static_cast<int>(threadIdx.x / kWarp) * 16),
        g(threadIdx.x % kWarp / 4),
        t(threadIdx.x % 4) {}
  __device__ int lane() const { return 4 * g + t; }
  __device__ int row(int r) const { return row0 + g + r / 2 * 8; }
  __device__ int column(int j, int r) const { return 8 * j + 2 * t + r % 2; }
};

/// A of the warp's rows of a tile, d from k on.
template <class Shape, class T = typename Shape::T>
__device__ __forceinline__ void read_rows(Fragment<Shape, 4>& x, const T* tile, int k,
                                          const Lane& at) {
  if constexpr (Shape::kMath == Math::bf16) {
    load_matrices<false>(
        x.part[0], tile + (at.row0 + at.lane() % 16) * Shape::kPitch + k + at.lane() / 16 * 8);
  } else {
    LACUNA_UNROLL
    for (int r = 0; r < 4; r++)
      x.set(r, tile[(at.row0 + at.g + r % 2 * 8) * Shape::kPitch + k + at.t + r / 2 * 4]);
  }
}

/// B of columns 8 j to 8 j + 15, which are rows of the tile, d from k on.
template <class Shape, class T = typename Shape::T>
__device__ __forceinline__ void read_columns(Fragment<Shape, 2> (&y)[2], const T* tile, int j,
                                             int k, const Lane& at) {
  if constexpr (Shape::kMath == Math::bf16) {
    std::uint32_t r[4];
    load_matrices<false>(r, tile + (8 * j + at.lane() / 16 * 8 + at.lane() % 8) * Shape::kPitch +
                                k + at.lane() / 8 % 2 * 8);
    y[0].part[0][0] = r[0], y[0].part[0][1] = r[1];
    y[1].part[0][0] = r[2], y[1].part[0][1] = r[3];
  } else {
    LACUNA_UNROLL
    for (int i = 0; i < 4; i++)
      y[i / 2].set(i % 2, tile[(8 * j + i / 2 * 8 + at.g) * Shape::kPitch + k + at.t + i % 2 * 4]);
  }
}

/// B of d from 8 j to 8 j + 15; k are rows of the tile, in the order of A made of a C.
template <class Shape, class T = typename Shape::T>
__device__ __forceinline__ void read_depths(Fragment<Shape, 2> (&y)[2], const T* tile, int j, int k,
                                            const Lane& at) {
  if constexpr (Shape::kMath == Math::bf16) {
    std::uint32_t r[4];
    load_matrices<true>(r,
                        tile + (k + at.lane() % 16) * Shape::kPitch + 8 * j + at.lane() / 16 * 8);
    y[0].part[0][0] = r[0], y[0].part[0][1] = r[1];
    y[1].part[0][0] = r[2], y[1].part[0][1] = r[3];
  } else {
    LACUNA_UNROLL
    for (int i = 0; i < 4; i++)
      y[i / 2].set(i % 2, tile[(k + 2 * at.t + i % 2) * Shape::kPitch + 8 * j + i / 2 * 8 + at.g]);
  }
}

/// c += the warp's rows of tile a times the rows of tile b.
template <class Shape, int kColumns, class T = typename Shape::T>
__device__ __forceinline__ void scores(float (&c)[kColumns / 8][4], const T* a, const T* b,
                                       const Lane& at) {
  for (int k = 0; k < Shape::D; k += Shape::kDeep) {
    Fragment<Shape, 4> x;
    read_rows(x, a, k, at);
    LACUNA_UNROLL
    for (int j = 0; j < kColumns / 8; j += 2) {
      Fragment<Shape, 2> y[2];
      read_columns(y, b, j, k, at);
      multiply<Shape>(c[j], x, y[0]);
      multiply<Shape>(c[j + 1], x, y[1]);
    }
  }
}

/// c += p times tile b (kColumns rows).
template <class Shape, int kColumns, class T = typename Shape::T>
__device__ __forceinline__ void accumulate(float (&c)[Shape::D / 8][4],
                                           const float (&p)[kColumns / 8][4], const T* b,
                                           const Lane& at) {
  LACUNA_UNROLL
  for (int k = 0; k < kColumns; k += Shape::kDeep) {
    Fragment<Shape, 4> x;
    LACUNA_UNROLL
    for (int r = 0; r < 4; r++) {
      if constexpr (Shape::kMath == Math::bf16)
        x.part[0][r] = pack_bf16(p[k / 8 + r / 2][r % 2 * 2], p[k / 8 + r / 2][r % 2 * 2 + 1]);
      else
        x.set(r, p[k / 8][r % 2 * 2 + r / 2]);
    }
    LACUNA_UNROLL
    for (int j = 0; j < Shape::D / 8; j += 2) {
      Fragment<Shape, 2> y[2];
      read_depths(y, b, j, k, at);
      multiply<Shape>(c[j], x, y[0]);
      multiply<Shape>(c[j + 1], x, y[1]);
    }
  }
}

/// Over the four lanes that have the columns of a row.
template <class Op>
__device__ __forceinline__ float reduce_row(float v) {
  LACUNA_UNROLL
  for (int d = 1; d < 4; d *= 2) v = Op::apply(v, __shfl_xor_sync(kAllLanes, v, d));
  return v;
}

/// The softmax of a thread's two rows while their columns come by: maxima in units of log2, and this thread's part of the sums.
struct RunningSoftmax {
  float max[2] = {-INFINITY, -INFINITY}, sum[2] = {};

  /// From s to p = 2^(unit s - max); what was summed before is to be multiplied by `rescale`.
  template <int N>
  __device__ __forceinline__ void update(float (&s)[N][4], float unit, float (&rescale)[2]) {
    LACUNA_UNROLL
    for (int row = 0; row < 2; row++) {
      float top = -INFINITY, total = 0;
      LACUNA_UNROLL
      for (int j = 0; j < N; j++) top = fmaxf(top, fmaxf(s[j][2 * row], s[j][2 * row + 1]));
      const float before = max[row];
      max[row] = fmaxf(before, reduce_row<Max>(top) * unit);
      const float shift = shift_of(max[row]);
      rescale[row] = exp2f(before - shift);
      LACUNA_UNROLL
      for (int j = 0; j < N; j++) LACUNA_UNROLL
      for (int r = 2 * row; r < 2 * row + 2; r++)
        total += s[j][r] = exp2f(fmaf(s[j][r], unit, -shift));
      sum[row] = sum[row] * rescale[row] + total;
    }
  }

  /// What is subtracted before exp2: not -inf - (-inf), which would be NaN, where every column so far is hidden.
  static __device__ __forceinline__ float shift_of(float max) {
    return max == -INFINITY ? 0.0f : max;
  }
};

/// Rows of C, times `factor` of each, to memory.
template <class Shape, class T = typename Shape::T>
__device__ __forceinline__ void store_rows(const Rows<T>& to, int first, int end, int d,
                                           const float (&c)[Shape::D / 8][4],
                                           const float (&factor)[2], const Lane& at) {
  LACUNA_UNROLL
  for (int r = 0; r < 4; r += 2) {
    const int row = first + at.row(r);
    if (row >= end) continue;
    T* const p = to.p + row * to.stride;
    LACUNA_UNROLL
    for (int j = 0; j < Shape::D / 8; j++) {
      const int column = at.column(j, 0);
      const T first(c[j][r] * factor[r / 2]), second(c[j][r + 1] * factor[r / 2]);
      if (to.wide && column + 1 < d) {
        *reinterpret_cast<Vec<T, 2>*>(p + column) = {{first, second}};
      } else {
        if (column < d) p[column] = first;
        if (column + 1 < d) p[column + 1] = second;
      }
    }
  }
}

}  // namespace lacuna::LACUNA_NS
