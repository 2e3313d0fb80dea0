#pragma once
// Kernels that reduce or scale the columns of (rows, columns): how a grid covers them, and the second pass of sums.
#include <device/launch.cuh>
#include <device/shared.cuh>
#include <device/vec.cuh>

namespace lacuna::LACUNA_NS {

inline constexpr int kColumnThreads = 256;
inline constexpr std::int64_t kMultiprocessors =
    132;  // of an H200; a constant, so that results are the same anywhere

/// Vectors of N that a thread loads before it works on them.
template <int N>
inline constexpr int kInFlight = N == 8 ? 4 : 8;

/// A grid (tiles of columns, chunks of rows) of blocks (columns, rows): 1 to 32 threads side by side take a vector of N
/// columns each, the others further rows of the block's chunk. About 8 blocks a multiprocessor. It depends on the
/// shape alone, and with it the order of sums does.
struct ColumnGrid {
  std::int64_t rows, columns;
  int lanes;                          // threads side by side
  std::int64_t tiles, chunk, chunks;  // rows of a chunk

  ColumnGrid(std::int64_t rows_, std::int64_t columns_, int width, int rows_in_flight)
      : rows(rows_), columns(columns_), lanes(1) {
    const std::int64_t vectors = ceil_div(columns, width);
    while (lanes < kWarp && lanes < vectors) lanes *= 2;
    tiles = ceil_div(vectors, lanes);
    const std::int64_t step = std::int64_t{kColumnThreads / lanes} * rows_in_flight;
    const std::int64_t wanted = ceil_div(kMultiprocessors * 8, tiles ? tiles : 1);
    chunk = ceil_div(ceil_div(rows, wanted), step) * step;
    chunks = chunk ? ceil_div(rows, chunk) : 1;
  }
  Extent grid() const { return {tiles, chunks}; }
  Extent block() const { return {lanes, kColumnThreads / lanes}; }
};

/// Where a thread of it is: columns j .. j + N - 1; rows first, first + step, ... below end.
template <int N>
struct ColumnPlace {
  std::int64_t j, first, end, step;
  __device__ ColumnPlace(std::int64_t rows, std::int64_t chunk)
      : j((std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x) * N),
        first(blockIdx.y * chunk + threadIdx.y),
        end((blockIdx.y + 1) * chunk < rows ? (blockIdx.y + 1) * chunk : rows),
        step(blockDim.y) {}
};

/// Adds up the threads of each column of a block, in order: f(column, sum) for columns of [0, columns). `shared` holds
/// kColumnThreads * N.
template <int N, class F>
__device__ __forceinline__ void fold_block(float* shared, const float (&sum)[N],
                                           std::int64_t columns, F&& f) {
  const int width = static_cast<int>(blockDim.x) * N;
  LACUNA_UNROLL
  for (int k = 0; k < N; k++) shared[threadIdx.y * width + threadIdx.x * N + k] = sum[k];
  __syncthreads();
  const int thread = static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x);
  const std::int64_t j = std::int64_t{blockIdx.x} * width + thread;
  if (thread >= width || j >= columns) return;
  float total = 0.0f;
  for (int y = 0; y < static_cast<int>(blockDim.y); y++) total += shared[y * width + thread];
  f(j, total);
}

/// f(N, grid) for x (..., columns) of T and these arrays, of which so many are read at once.
template <class T, class F>
void by_columns(const Array& x, std::initializer_list<const void*> arrays, int read_at_once,
                F&& f) {
  const std::int64_t columns = x.dim(-1), rows = columns ? x.size() / columns : 0;
  with_vector_width<T>(columns, arrays, [&](auto n) {
    constexpr int N = decltype(n)::value;
    f(n, ColumnGrid(rows, columns, N, kInFlight<N> / read_at_once));
  });
}

/// out[j] = sum over c of partial[c][j], times scale[j] where given, for two outputs side by side, partial (chunks, 2,
/// columns), or for the first alone, partial (chunks, columns). A block takes 32 columns; 32 threads of a column take turns
/// with the chunks and are added up in order.
template <class T>
__global__ void __launch_bounds__(1024)
    fold_columns(T* first, T* second, const float* partial, std::int64_t chunks,
                 std::int64_t columns, const float* first_scale) {
  LACUNA_SHARED(float, sums, [2][kWarp][kWarp]);
  const int outputs = second ? 2 : 1;
  const std::int64_t j = std::int64_t{blockIdx.x} * kWarp + threadIdx.x;
  float sum[2] = {0.0f, 0.0f};
  if (j < columns)
    for (std::int64_t c = threadIdx.y; c < chunks; c += kWarp)
      for (int s = 0; s < outputs; s++) sum[s] += partial[(outputs * c + s) * columns + j];
  for (int s = 0; s < outputs; s++) sums[s][threadIdx.y][threadIdx.x] = sum[s];
  __syncthreads();
  if (static_cast<int>(threadIdx.y) >= outputs || j >= columns) return;
  float total = 0.0f;
  for (int y = 0; y < kWarp; y++) total += sums[threadIdx.y][y][threadIdx.x];
  if (threadIdx.y == 0)
    first[j] = T(first_scale ? total * first_scale[j] : total);
  else
    second[j] = T(total);
}

template <class T>
void launch_fold_columns(T* first, std::type_identity_t<T>* second, const float* partial,
                         std::int64_t chunks, std::int64_t columns, const float* first_scale,
                         Stream stream) {
  launch({.grid = ceil_div(columns, kWarp), .block = {kWarp, kWarp}, .stream = stream},
         fold_columns<T>, first, second, partial, chunks, columns, first_scale);
}

}  // namespace lacuna::LACUNA_NS
