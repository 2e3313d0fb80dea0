#pragma once
// What the ladder of matrix products teaches (gemm/shared.cu, gemm/registers.cu) and the other families then use: reading
// tiles in vectors, and a tile of the result in the registers of 256 threads.
#include <device/launch.cuh>
#include <device/reduce.cuh>
#include <device/shared.cuh>
#include <device/vec.cuh>

namespace lacuna::LACUNA_NS::rungs {

inline constexpr int kThreads = 256;

/// A row-major matrix: where element (line, k) is, or null outside.
struct Matrix {
  const bf16* p;
  int lines, depth;
  __device__ const bf16* operator()(int line, int k) const {
    return line < lines && k < depth ? p + std::int64_t{line} * depth + k : nullptr;
  }
};

/// f(line, k, v) for each vector v of N elements in a tile of kLines x kDepth, shared out to the block's threads, of which
/// neighbours take neighbouring vectors of a line. source(line, k): where the vector is; null: zeros.
template <class T, int N, int kLines, int kDepth, class Source, class F>
__device__ __forceinline__ void each_vector(Source source, F f) {
  constexpr int kAcross = kDepth / N;
  LACUNA_UNROLL
  for (int i = 0; i < (kLines * kAcross + kThreads - 1) / kThreads; i++) {
    const int vector = i * kThreads + static_cast<int>(threadIdx.x);
    if (vector >= kLines * kAcross) break;
    const int line = vector / kAcross, k = vector % kAcross * N;
    const bf16* const from = source(line, k);
    T v[N];
    load_vec(v, from, 0, from ? N : 0, T(0.0f));
    f(line, k, v);
  }
}

/// Elements from one k of a tile in shared memory to the next: a multiple of 4, so that vectors of 4 lines are aligned.
template <int kLines>
inline constexpr int kPitch = kLines + 4;

/// A tile in f32, k by k: to[k * kPitch + line].
template <int N, int kLines, int kDepth, class Source>
__device__ __forceinline__ void load_transposed(float* to, Source source) {
  each_vector<float, N, kLines, kDepth>(source, [&](int line, int k, const float(&v)[N]) {
    LACUNA_UNROLL
    for (int q = 0; q < N; q++) to[(k + q) * kPitch<kLines> + line] = v[q];
  });
}

/// A tile of 16 kRows x 16 kColumns: each of 16 x 16 threads keeps kRows x kColumns of it, in groups of 4 x 4, the groups of
/// neighbours side by side. kRows and kColumns are multiples of 4.
template <int kRows, int kColumns>
struct RegisterTile {
  static constexpr int kM = 16 * kRows, kN = 16 * kColumns;
  float c[kRows][kColumns] = {};

  static __device__ int row(int i) {
    return i / 4 * 64 + static_cast<int>(threadIdx.x) / 16 * 4 + i % 4;
  }
  static __device__ int column(int j) {
    return j / 4 * 64 + static_cast<int>(threadIdx.x) % 16 * 4 + j % 4;
  }

  /// += a b, where a (kM lines) and b (kN lines) lie k by k in shared memory; depth is a multiple of 8.
  __device__ __forceinline__ void multiply(const float* a, const float* b, int depth) {
    LACUNA_NO_UNROLL
    for (int k0 = 0; k0 < depth; k0 += 8) {
      LACUNA_UNROLL
      for (int k = k0; k < k0 + 8; k++) {
        float x[kRows], y[kColumns];
        LACUNA_UNROLL
        for (int i = 0; i < kRows; i += 4) read4(&x[i], a + k * kPitch<kM> + row(i));
        LACUNA_UNROLL
        for (int j = 0; j < kColumns; j += 4) read4(&y[j], b + k * kPitch<kN> + column(j));
        LACUNA_UNROLL
        for (int i = 0; i < kRows; i++) LACUNA_UNROLL
        for (int j = 0; j < kColumns; j++) c[i][j] += x[i] * y[j];
      }
    }
  }

  /// Over the 16 threads that share a row, neighbours in a warp.
  template <class Op>
  static __device__ __forceinline__ float reduce_row(float v) {
    LACUNA_UNROLL
    for (int lanes = 8; lanes > 0; lanes /= 2)
      v = Op::apply(v, __shfl_xor_sync(kAllLanes, v, lanes));
    return v;
  }

 private:
  static __device__ __forceinline__ void read4(float* to, const float* from) {
    float v[4];
    load_vec(v, from, 0, 4, 0.0f);
    LACUNA_UNROLL
    for (int k = 0; k < 4; k++) to[k] = v[k];
  }
};

}  // namespace lacuna::LACUNA_NS::rungs
