#pragma once
// The arithmetic of one tile of a matrix product: C (kM, kN) += A (kM, kK) B (kK, kN), A and B in shared memory, C in the
// registers of a block's threads. Two forms: fused multiply-adds in f32, and the tensor cores (tf32, bf16).
#include <device/async.cuh>
#include <device/intrinsics.cuh>
#include <device/mma.cuh>
#include <device/vec.cuh>

namespace lacuna::LACUNA_NS {

enum class Math { f32, tf32, bf16 };

/// The tensor cores' tiles are 128 x 128 (kLarge: 64 x 64 a warp) or 64 x 64; the other one is 128 x 64.
template <Math kMath_, bool kLarge>
struct TileShape {
  static constexpr Math kMath = kMath_;
  using T = std::conditional_t<kMath == Math::bf16, bf16, float>;
  static constexpr int kM = kLarge || kMath == Math::f32 ? 128 : 64, kN = kLarge ? 128 : 64;
  static constexpr int kK = kMath == Math::bf16 ? 32 : 16;  // 64 bytes
  static constexpr int kThreads = 128;
  /// Tiles of both operands that are on their way or in use at once, in at most 48 KB.
  static constexpr int kStages = kM + kN > 192 ? 3 : 4;
};

/// What launches try to fill: of an H100 or H200.
inline constexpr std::int64_t kMultiprocessors = 132;

/// The place of a block's tile: groups of 8 rows of tiles, column by column, so that blocks which run together share what L2
/// holds.
struct TilePlace {
  int m, n;
  __device__ TilePlace(int tile, int rows, int columns) {
    constexpr int kGroup = 8;
    const int group = tile / (kGroup * columns), rest = tile % (kGroup * columns);
    const int left = rows - group * kGroup, height = left < kGroup ? left : kGroup;
    m = group * kGroup + rest % height;
    n = rest / height;
  }
};

/// An operand's tile in shared memory: kLines rows of A or columns of B, line by line (kByLine) or k by k, as it lies in global
/// memory, so that it is copied in vectors of 16 bytes; only the f32 form always takes it k by k. Within a row of the tile the
/// vectors change places (swizzle), so that neither copies nor reads collide in a bank.
template <class Shape, int kLines, bool kAlongK>
struct SharedTile {
  using T = typename Shape::T;
  static constexpr bool kByLine = kAlongK && Shape::kMath != Math::f32;
  static constexpr int kVector = 16 / sizeof(T), kRow = kByLine ? Shape::kK : kLines;
  static constexpr int kSize = kLines * Shape::kK;
  T* data;

  __device__ __forceinline__ T* at(int line, int k) const {
    const int row = kByLine ? line : k, column = kByLine ? k : line;
    return data + row * kRow + ((column / kVector ^ swizzle(row)) * kVector + column % kVector);
  }

  /// Starts n (at most V; none where negative) elements at p on their way to (line, k) and the next along k, or along lines
  /// with kAlongK false; zeros follow. `wide`: p is aligned to V elements.
  template <int V>
  __device__ __forceinline__ void copy(AsyncCopies& copies, int line, int k, const T* p, int n,
                                       bool wide) const {
    if constexpr (kAlongK == kByLine && V == kVector) {
      if (wide) {
        const int count = n < 0 ? 0 : n < V ? n : V;
        return copies.copy16(at(line, k), p, count * static_cast<int>(sizeof(T)));
      }
    }
    if constexpr (sizeof(T) == 4) {
      LACUNA_UNROLL
      for (int j = 0; j < V; j++)
        copies.copy4(at(line + (kAlongK ? 0 : j), k + (kAlongK ? j : 0)), p + j, j < n ? 4 : 0);
    } else {  // there are no asynchronous copies of 2 bytes
      Vec<T, V> together;
      LACUNA_UNROLL
      for (int j = 0; j < V; j++) together.v[j] = j < n ? p[j] : T(0.0f);
      store(line, k, together);
    }
  }
  /// V elements from (line, k) on, along k or along lines, as the tile lies; V divides kVector and where they begin.
  template <int V>
  __device__ __forceinline__ void store(int line, int k, const Vec<T, V>& v) const {
    static_assert(kAlongK == kByLine && kVector % V == 0);
    T* const to = at(line, k);
    check_aligned(to, sizeof(v));
    *reinterpret_cast<Vec<T, V>*>(to) = v;
  }

  /// A tensor core's registers of 16 lines and 32 bytes of k, as words (line, t): (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4).
  /// They are a[0..3] of 16 rows of A, and b[0], b[1] of two times 8 columns of B in the order 0, 2 and 1, 3.
  __device__ __forceinline__ void read(std::uint32_t (&r)[4], int line, int k) const {
    const int lane = threadIdx.x % kWarp;
    if constexpr (kByLine) {
      load_matrices<false>(r, at(line + lane % 16, k + lane / 16 * kVector));
    } else if constexpr (Shape::kMath == Math::bf16) {
      load_matrices<true>(r, at(line + lane / 8 % 2 * 8, k + lane / 16 * 8 + lane % 8));
    } else {
      LACUNA_UNROLL
      for (int i = 0; i < 4; i++)
        memcpy(&r[i], at(line + i % 2 * 8 + lane / 4, k + i / 2 * 4 + lane % 4), 4);
    }
    if constexpr (Shape::kMath == Math::tf32) {
      LACUNA_UNROLL
      for (int i = 0; i < 4; i++) {
        float v;
        memcpy(&v, &r[i], 4);
        r[i] = to_tf32(v);
      }
    }
  }

 private:
  static __device__ __forceinline__ int swizzle(int row) {
    // Eight rows of one vector each (ldmatrix): two rows of 64 bytes fill all banks; longer ones fill them alone.
    if constexpr (kByLine) return row / 2 % 4;
    if constexpr (Shape::kMath == Math::bf16) return row % 8;
    // Four rows of 8 words (tf32's reads), or rows 0, 4, 8, 12 (f32's copies).
    return (Shape::kMath == Math::tf32 ? row : row / 4) % 4 * 2;
  }
};

/// The block's C, kept by its threads.
template <class Shape, bool kTensorCores = Shape::kMath != Math::f32>
struct Accumulator;

// A thread keeps kRows x kColumns elements in 4 x 4 groups; groups of neighbouring threads lie side by side.
template <class Shape>
struct Accumulator<Shape, false> {
  static constexpr int kColumns = 8, kAcross = Shape::kN / kColumns;
  static constexpr int kRows = Shape::kM * kAcross / Shape::kThreads;
  float c[kRows][kColumns] = {};

  static __device__ int row(int i) {
    return i / 4 * (Shape::kM / (kRows / 4)) + threadIdx.x / kAcross * 4 + i % 4;
  }
  static __device__ int column(int group) {
    return group * (Shape::kN / (kColumns / 4)) + threadIdx.x % kAcross * 4;
  }

  template <class A, class B>
  __device__ __forceinline__ void multiply(A a, B b) {
    // More at once would keep too many operands in registers.
    LACUNA_UNROLL_4
    for (int k = 0; k < Shape::kK; k++) {
      float x[kRows], y[kColumns];
      LACUNA_UNROLL
      for (int i = 0; i < kRows; i += 4) read4(&x[i], a.at(row(i), k));
      LACUNA_UNROLL
      for (int j = 0; j < kColumns; j += 4) read4(&y[j], b.at(column(j / 4), k));
      LACUNA_UNROLL
      for (int i = 0; i < kRows; i++) LACUNA_UNROLL
      for (int j = 0; j < kColumns; j++) c[i][j] += x[i] * y[j];
    }
  }

  /// f(row, column, value) for the elements of rows first .. first + 63 that this thread keeps; first is 0 or 64.
  template <class F>
  __device__ __forceinline__ void each(int first, F f) const {
    static_assert(Shape::kM / (kRows / 4) == 64);
    LACUNA_UNROLL
    for (int i = 0; i < kRows; i++) {
      if (i / 4 * 64 != first) continue;
      LACUNA_UNROLL
      for (int j = 0; j < kColumns; j++) f(row(i), column(j / 4) + j % 4, c[i][j]);
    }
  }

 private:
  static __device__ __forceinline__ void read4(float* to, const float* from) {
    check_aligned(from, 16);
    const Vec<float, 4> v = *reinterpret_cast<const Vec<float, 4>*>(from);
    LACUNA_UNROLL
    for (int k = 0; k < 4; k++) to[k] = v.v[k];
  }
};

// Warps lie two deep; each keeps kM / 2 rows and its share of the columns, as 16 x 8 products of a tensor core.
template <class Shape>
struct Accumulator<Shape, true> {
  static constexpr int kWarps = Shape::kThreads / kWarp, kAcross = kWarps / 2;
  static constexpr int kRows = Shape::kM / 2, kColumns = Shape::kN / kAcross;
  static constexpr int kDeep = 32 / sizeof(typename Shape::T);  // k of one product
  float c[kRows / 16][kColumns / 8][4] = {};

  template <class A, class B>
  __device__ __forceinline__ void multiply(A a, B b) {
    LACUNA_UNROLL
    for (int k = 0; k < Shape::kK; k += kDeep) {
      std::uint32_t x[kRows / 16][4];
      LACUNA_UNROLL
      for (int i = 0; i < kRows / 16; i++) a.read(x[i], first_row() + 16 * i, k);
      LACUNA_UNROLL
      for (int j = 0; j < kColumns / 8; j += 2) {
        std::uint32_t r[4];
        b.read(r, first_column() + 8 * j, k);
        const std::uint32_t y[2][2] = {{r[0], r[2]}, {r[1], r[3]}};
        LACUNA_UNROLL
        for (int i = 0; i < kRows / 16; i++) {
          LACUNA_UNROLL
          for (int half = 0; half < 2; half++) {
            if constexpr (Shape::kMath == Math::bf16)
              mma_m16n8k16_bf16(c[i][j + half], x[i], y[half]);
            else
              mma_m16n8k8_tf32(c[i][j + half], x[i], y[half]);
          }
        }
      }
    }
  }

  template <class F>
  __device__ __forceinline__ void each(int first, F f) const {
    if (first_row() / 64 * 64 != first) return;
    const int lane = threadIdx.x % kWarp, g = lane / 4, t = lane % 4;
    LACUNA_UNROLL
    for (int i = 0; i < kRows / 16; i++) LACUNA_UNROLL
    for (int j = 0; j < kColumns / 8; j++) LACUNA_UNROLL
    for (int r = 0; r < 4; r++)
      f(first_row() + 16 * i + r / 2 * 8 + g, first_column() + 8 * j + 2 * t + r % 2, c[i][j][r]);
  }

 private:
  static __device__ int first_row() { return threadIdx.x / kWarp / kAcross * kRows; }
  static __device__ int first_column() { return threadIdx.x / kWarp % kAcross * kColumns; }
};

}  // namespace lacuna::LACUNA_NS
