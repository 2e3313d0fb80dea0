#pragma once
// Kernels that work row by row: which threads share a row, and what each of them keeps of it.
//
//   template <class Team, class T, int N, int V> __global__ void kernel(...) {
//     for (auto row = Team::first_row(); row < rows; row += Team::row_step())
//       each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) { ... elements j .. j + N - 1, kept in v[i] ... });
//
// A thread has V vectors of N elements, which stay in registers. V = 0 is for rows too long for that: the thread sees
// as many as there are, each as i = 0, and has to load them again in every pass.
#include <device/launch.cuh>
#include <device/reduce.cuh>
#include <device/vec.cuh>

namespace lacuna::LACUNA_NS {

/// A warp, one of several in a block of (32, rows). Warps of a block do not wait for each other.
template <int kRows>
struct WarpTeam {
  static constexpr int kThreads = kWarp * kRows;  // of the block
  static __device__ int thread() { return static_cast<int>(threadIdx.x); }
  static __device__ int threads() { return kWarp; }
  static __device__ std::int64_t first_row() {
    return std::int64_t{blockIdx.x} * kRows + threadIdx.y;
  }
  static __device__ std::int64_t row_step() { return std::int64_t{gridDim.x} * kRows; }
  template <class Op>
  static __device__ float reduce(float v) {
    return warp_reduce<Op>(v);
  }
  static std::int64_t blocks(std::int64_t rows) { return ceil_div(rows, kRows); }
};

/// A one-dimensional block.
template <int kMaxThreads>
struct BlockTeam {
  static constexpr int kThreads = kMaxThreads;
  static __device__ int thread() { return static_cast<int>(threadIdx.x); }
  static __device__ int threads() { return static_cast<int>(blockDim.x); }
  static __device__ std::int64_t first_row() { return blockIdx.x; }
  static __device__ std::int64_t row_step() { return gridDim.x; }
  template <class Op>
  static __device__ float reduce(float v) {
    return block_reduce<Op>(v);
  }
  static std::int64_t blocks(std::int64_t rows) { return rows; }
};

/// Vectors that a thread keeps.
template <int V>
inline constexpr int kKept = V ? V : 1;

/// f(i, j) for each of this thread's vectors: the one at element j, kept at i. j may lie beyond the row where V > 0.
template <class Team, int N, int V, class F>
__device__ __forceinline__ void each_vector(std::int64_t columns, F&& f) {
  if constexpr (V > 0) {
    LACUNA_UNROLL
    for (int i = 0; i < V; i++) f(i, (std::int64_t{i} * Team::threads() + Team::thread()) * N);
  } else {
    for (std::int64_t j = std::int64_t{Team::thread()} * N; j < columns;
         j += std::int64_t{Team::threads()} * N)
      f(0, j);
  }
}

/// Calls f(team, V, block) for rows of this length: a warp a row where each lane has at most kWarpVectors, else a block
/// of at most kMaxThreads where each thread has at most kBlockVectors, else the same with V = 0.
template <int kRows, int kWarpVectors, int kMaxThreads, int kBlockVectors, int N, class F>
void by_row_length(std::int64_t columns, F&& f) {
  const std::int64_t lanes = ceil_div(columns, N), vectors = ceil_div(lanes, kWarp);
  const auto warp = [&](auto v) { f(WarpTeam<kRows>{}, v, Extent{kWarp, kRows}); };
  const auto block = [&](auto v, std::int64_t threads) {
    f(BlockTeam<kMaxThreads>{}, v, Extent{threads});
  };
  if (vectors <= 1) return warp(std::integral_constant<int, 1>{});
  if (vectors <= 2) return warp(std::integral_constant<int, 2>{});
  if constexpr (kWarpVectors >= 4)
    if (vectors <= 4) return warp(std::integral_constant<int, 4>{});
  if constexpr (kWarpVectors >= 8)
    if (vectors <= 8) return warp(std::integral_constant<int, 8>{});
  const std::int64_t threads = ceil_div(lanes, kWarp * kBlockVectors) * kWarp;
  if (threads <= kMaxThreads) return block(std::integral_constant<int, kBlockVectors>{}, threads);
  block(std::integral_constant<int, 0>{}, kMaxThreads);
}

/// f(team, N, V, block) for rows of `columns` T at these addresses: a warp's lane has up to 8 vectors, a thread of a block
/// up to 4. For kernels that keep one or two arrays.
template <class T, class F>
void by_rows(std::int64_t columns, std::initializer_list<const void*> arrays, F&& f) {
  with_vector_width<T>(columns, arrays, [&](auto n) {
    by_row_length<4, 8, 512, 4, decltype(n)::value>(
        columns, [&](auto team, auto v, Extent block) { f(team, n, v, block); });
  });
}

}  // namespace lacuna::LACUNA_NS
