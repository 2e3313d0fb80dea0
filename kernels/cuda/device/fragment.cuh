#pragma once
// Two products of a tile of 64 x 64, by 4 warps with 16 rows each, the first one's result in registers: S = X Y^T, and G Y,
// where G is what the kernel makes of S (Dao 2023, FlashAttention-2). X and Y lie in shared memory line by line, 32 words
// of each at a time; a word is one f32 or two bf16, and a tensor core takes 8 words of k whatever their type.
//
//   f32    3xTF32: v = high + low, both tf32; high high + high low + low high gives about 22 bits (CUTLASS, example 27)
//   tf32   words are rounded when they are stored in shared memory
//   bf16   as they are
//
// Below g = lane / 4 and t = lane % 4, as in mma.cuh.
#include <device/tile.cuh>

namespace lacuna::LACUNA_NS {

inline constexpr int kLines = 64;          // of a tile
inline constexpr int kTileThreads = 128;   // 4 warps of 16 lines
inline constexpr int kWords = 32;          // of a line at a time
inline constexpr int kPitch = kWords + 4;  // 4 mod 32 banks: no reads below collide
using Words = Vec<std::uint32_t, 4>;       // what a thread moves
#define LACUNA_SHARED_LINES(name) LACUNA_SHARED(Words, name, [kLines * kPitch / 4])

template <Math kMath>
using Element = std::conditional_t<kMath == Math::bf16, bf16, float>;
/// Elements in the words of a line.
template <Math kMath>
inline constexpr int kDepth = static_cast<int>(kWords * 4 / sizeof(Element<kMath>));

/// A tile in shared memory.
struct Lines {
  std::uint32_t* words;
  explicit __device__ Lines(Words* room) : words(room->v) {}
  __device__ std::uint32_t* at(int line, int word) const { return words + line * kPitch + word; }
};

template <class To, class From>
__device__ __forceinline__ To bits_as(From v) {
  static_assert(sizeof(To) == sizeof(From));
  To out;
  memcpy(&out, &v, sizeof(To));
  return out;
}

/// Registers of one operand.
template <Math kMath, int N>
struct Operand {
  std::uint32_t high[N], low[kMath == Math::f32 ? N : 1];
  __device__ __forceinline__ void set(int r, std::uint32_t word) {
    high[r] = word;
    if constexpr (kMath == Math::f32) {
      const auto v = bits_as<float>(word);
      high[r] = to_tf32(v);
      low[r] = to_tf32(v - bits_as<float>(high[r]));
    }
  }
};

template <Math kMath>
__device__ __forceinline__ void multiply_add(float (&c)[4], const Operand<kMath, 4>& a,
                                             const Operand<kMath, 2>& b) {
  if constexpr (kMath == Math::bf16) {
    mma_m16n8k16_bf16(c, a.high, b.high);
  } else {
    if constexpr (kMath == Math::f32) {
      mma_m16n8k8_tf32(c, a.low, b.high);
      mma_m16n8k8_tf32(c, a.high, b.low);
    }
    mma_m16n8k8_tf32(c, a.high, b.high);
  }
}

/// 64 lines of a row-major matrix on their way to shared memory, in the registers of the block's threads. kWide: lines are
/// whole aligned vectors of 16 bytes.
template <Math kMath, bool kWide>
struct Fetch {
  using T = Element<kMath>;
  static constexpr int V = 16 / sizeof(T);
  static constexpr int kAcross = kWords / 4, kStep = kTileThreads / kAcross;
  Words v[kLines / kStep];

  static __device__ int line(int i) { return static_cast<int>(threadIdx.x) / kAcross + i * kStep; }
  static __device__ int vector() { return static_cast<int>(threadIdx.x) % kAcross; }

  /// Elements k .. k + kDepth - 1 of lines first .. first + 63 of p (lines, depth), zeros outside.
  __device__ __forceinline__ void load(const T* p, int first, int lines, int depth, int k) {
    const int from = k + vector() * V;
    LACUNA_UNROLL
    for (int i = 0; i < kLines / kStep; i++) {
      const bool inside = first + line(i) < lines;
      const T* const row = p + std::int64_t{first + line(i)} * depth;
      if constexpr (kWide) {
        v[i] = Words{};
        if (inside && from < depth) {
          check_aligned(row + from, sizeof(Words));
          v[i] = *reinterpret_cast<const Words*>(row + from);
        }
      } else {
        T e[V];
        LACUNA_UNROLL
        for (int q = 0; q < V; q++) e[q] = inside && from + q < depth ? row[from + q] : T(0.0f);
        memcpy(&v[i], e, 16);
      }
    }
  }
  __device__ __forceinline__ void store(Lines to) const {
    LACUNA_UNROLL
    for (int i = 0; i < kLines / kStep; i++) {
      Words out = v[i];
      if constexpr (kMath == Math::tf32) {
        LACUNA_UNROLL
        for (int q = 0; q < 4; q++) out.v[q] = to_tf32(bits_as<float>(out.v[q]));
      }
      *reinterpret_cast<Words*>(to.at(line(i), vector() * 4)) = out;
    }
  }
};

/// The warp's 16 rows of S: c[j] is (g, 8j + 2t), (g, 8j + 2t + 1), and the same of row g + 8.
template <Math kMath>
struct Scores {
  static constexpr int kPerWord = kDepth<kMath> / kWords;
  float c[kLines / 8][4] = {};

  static __device__ int lane() { return static_cast<int>(threadIdx.x) % kWarp; }
  /// Of c[..][2 * half] and the next one, in the block's tile.
  static __device__ int row(int half) {
    return static_cast<int>(threadIdx.x) / kWarp * 16 + half * 8 + lane() / 4;
  }
  static __device__ int column(int j, int side) { return 8 * j + lane() % 4 * 2 + side; }

  /// += the product over the first `words` words that lie in shared memory. Not unrolled: that takes too many registers.
  __device__ __forceinline__ void multiply(Lines x, Lines y, int words) {
    const int g = lane() / 4, t = lane() % 4;
    for (int k = 0; k < words; k += 8) {
      Operand<kMath, 4> a;
      LACUNA_UNROLL
      for (int r = 0; r < 4; r++) a.set(r, *x.at(row(r % 2), k + t + r / 2 * 4));
      LACUNA_UNROLL
      for (int j = 0; j < kLines / 8; j++) {
        Operand<kMath, 2> b;
        LACUNA_UNROLL
        for (int r = 0; r < 2; r++) b.set(r, *y.at(8 * j + g, k + t + r * 4));
        multiply_add(c[j], a, b);
      }
    }
  }

  /// The whole of S: lines x0 .. of x and y0 .. of y (lines, depth). kAhead: the next words are on their way while the
  /// present ones are multiplied, which takes 32 registers.
  template <bool kWide, bool kAhead, class T>
  __device__ __forceinline__ void compute(const T* x, int x0, int x_count, Lines x_lines,
                                          const T* y, int y0, int y_count, Lines y_lines,
                                          int depth) {
    Fetch<kMath, kWide> next_x, next_y;
    const auto load = [&](int k) {
      next_x.load(x, x0, x_count, depth, k);
      next_y.load(y, y0, y_count, depth, k);
    };
    if (kAhead) load(0);
    for (int k = 0; k < depth; k += kDepth<kMath>) {
      if (!kAhead) load(k);
      __syncthreads();  // others may still read what was there
      next_x.store(x_lines);
      next_y.store(y_lines);
      __syncthreads();
      if (kAhead && k + kDepth<kMath> < depth) load(k + kDepth<kMath>);
      const int left = (depth - k + kPerWord - 1) / kPerWord;
      multiply(x_lines, y_lines, left < kWords ? left : kWords);
    }
  }

  /// out += this times the words of y in shared memory: 16 rows, kDepth columns, laid out as c. The accumulators are the
  /// left operand as they are. bf16: neighbouring columns of S share a register, as an operand's neighbouring k do. tf32:
  /// k is a column in another order, t for 2t and t + 4 for 2t + 1, and y's lines follow.
  __device__ __forceinline__ void multiply_into(float (&out)[kDepth<kMath> / 8][4], Lines y) const {
    const int g = lane() / 4, t = lane() % 4;
    if constexpr (kMath == Math::bf16) {
      LACUNA_UNROLL
      for (int j = 0; j < kLines / 8; j += 2) {
        Operand<kMath, 4> a;
        LACUNA_UNROLL
        for (int r = 0; r < 4; r++)
          a.set(r, pack_bf16(c[j + r / 2][r % 2 * 2], c[j + r / 2][r % 2 * 2 + 1]));
        LACUNA_UNROLL
        for (int n = 0; n < kDepth<kMath> / 8; n += 2) {
          std::uint32_t r[4];
          load_matrices<true>(
              r, reinterpret_cast<const bf16*>(y.at(8 * j + lane() % 16, 4 * (n + lane() / 16))));
          Operand<kMath, 2> b[2];
          LACUNA_UNROLL
          for (int q = 0; q < 4; q++) b[q / 2].set(q % 2, r[q]);
          multiply_add(out[n], a, b[0]);
          multiply_add(out[n + 1], a, b[1]);
        }
      }
    } else {
      LACUNA_UNROLL
      for (int j = 0; j < kLines / 8; j++) {
        Operand<kMath, 4> a;
        LACUNA_UNROLL
        for (int r = 0; r < 4; r++) {
          const float v = c[j][r % 2 * 2 + r / 2];
          a.set(r, kMath == Math::tf32 ? to_tf32(v) : bits_as<std::uint32_t>(v));
        }
        LACUNA_UNROLL
        for (int n = 0; n < kDepth<kMath> / 8; n++) {
          Operand<kMath, 2> b;
          LACUNA_UNROLL
          for (int r = 0; r < 2; r++) b.set(r, *y.at(8 * j + 2 * t + r, 8 * n + g));
          multiply_add(out[n], a, b);
        }
      }
    }
  }
};

}  // namespace lacuna::LACUNA_NS
