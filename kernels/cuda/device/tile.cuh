#pragma once
// The arithmetic of one tile of a matrix product: C (kM, kN) += A (kM, kK) B (kK, kN), A and B in shared memory, C in the
// registers of a block's threads. Two forms: fused multiply-adds in f32, and the tensor cores (tf32, bf16).
#include <device/intrinsics.cuh>
#include <device/mma.cuh>
#include <device/vec.cuh>

namespace lacuna::LACUNA_NS {

enum class Math { f32, tf32, bf16 };

/// The tensor cores' tiles are 128 x 128 by 256 threads (kLarge) or 64 x 64 by 128; the other one is 128 x 64 by 128.
template <Math kMath_, bool kLarge>
struct TileShape {
  static constexpr Math kMath = kMath_;
  using T = std::conditional_t<kMath == Math::bf16, bf16, float>;
  static constexpr int kM = kLarge || kMath == Math::f32 ? 128 : 64, kN = kLarge ? 128 : 64;
  static constexpr int kK = kMath == Math::bf16 ? 32 : 16;
  static constexpr int kThreads = kLarge ? 256 : 128;
};

/// An operand's tile in shared memory: `lines` rows of A or columns of B. f32 and tf32 lie k by k, so that threads read
/// vectors of neighbouring lines (136 = 8 mod 32 banks: a tensor core's reads do not collide); bf16 lies line by line,
/// so that a register's two k are neighbours (40 elements = 20 banks: the same).
template <class Shape, int kLines>
struct SharedTile {
  using T = typename Shape::T;
  static constexpr bool kByLine = Shape::kMath == Math::bf16;
  static constexpr int kStride = kByLine ? Shape::kK + 8 : kLines + 8;
  static constexpr int kSize = kByLine ? kLines * kStride : Shape::kK * kStride;
  T* data;

  __device__ T* at(int line, int k) const {
    return data + (kByLine ? line * kStride + k : k * kStride + line);
  }
  /// v[j] is the element (line, k + j), or with kAlongK false (line + j, k).
  template <bool kAlongK, int V>
  __device__ __forceinline__ void store(int line, int k, const T (&v)[V]) const {
    if constexpr (V > 1 && kAlongK == kByLine) {
      Vec<T, V> out;
      LACUNA_UNROLL
      for (int j = 0; j < V; j++) out.v[j] = rounded(v[j]);
      *reinterpret_cast<Vec<T, V>*>(at(line, k)) = out;
    } else {
      LACUNA_UNROLL
      for (int j = 0; j < V; j++)
        *at(line + (kAlongK ? 0 : j), k + (kAlongK ? j : 0)) = rounded(v[j]);
    }
  }

 private:
  static __device__ __forceinline__ T rounded(T v) {
    if constexpr (Shape::kMath == Math::tf32) {
      const std::uint32_t bits = to_tf32(v);
      float out;
      memcpy(&out, &bits, 4);
      return out;
    } else {
      return v;
    }
  }
};

template <class Shape>
using ATile = SharedTile<Shape, Shape::kM>;
template <class Shape>
using BTile = SharedTile<Shape, Shape::kN>;

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

  __device__ __forceinline__ void multiply(ATile<Shape> a, BTile<Shape> b) {
    LACUNA_UNROLL
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
  static constexpr int kDeep = Shape::kMath == Math::bf16 ? 16 : 8;  // k of one product
  static constexpr int kPack = kDeep / 8;                            // elements of a register
  float c[kRows / 16][kColumns / 8][4] = {};

  __device__ __forceinline__ void multiply(ATile<Shape> a, BTile<Shape> b) {
    const int lane = threadIdx.x % kWarp, g = lane / 4, t = lane % 4;
    LACUNA_UNROLL
    for (int k = 0; k < Shape::kK; k += kDeep) {
      std::uint32_t x[kRows / 16][4], y[kColumns / 8][2];
      LACUNA_UNROLL
      for (int i = 0; i < kRows / 16; i++) LACUNA_UNROLL
      for (int r = 0; r < 4; r++)
        x[i][r] = read(a.at(first_row() + 16 * i + g + r % 2 * 8, k + (t + r / 2 * 4) * kPack));
      LACUNA_UNROLL
      for (int j = 0; j < kColumns / 8; j++) LACUNA_UNROLL
      for (int r = 0; r < 2; r++)
        y[j][r] = read(b.at(first_column() + 8 * j + g, k + (t + r * 4) * kPack));
      LACUNA_UNROLL
      for (int i = 0; i < kRows / 16; i++) {
        LACUNA_UNROLL
        for (int j = 0; j < kColumns / 8; j++) {
          if constexpr (Shape::kMath == Math::bf16)
            mma_m16n8k16_bf16(c[i][j], x[i], y[j]);
          else
            mma_m16n8k8_tf32(c[i][j], x[i], y[j]);
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
  static __device__ __forceinline__ std::uint32_t read(const typename Shape::T* p) {
    std::uint32_t bits;
    memcpy(&bits, p, 4);
    return bits;
  }
};

}  // namespace lacuna::LACUNA_NS
