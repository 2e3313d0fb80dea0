// softmax and log-softmax over the last axis, forward and backward
//   math         y = exp(x - max) / sum exp(x - max), log: y = x - max - log(sum); a row of all -inf gives 0 (log: -inf)
//                dx = y * (dy - sum(dy * y)),         log: dx = dy - exp(y) * sum(dy)
//   shapes       all (rows, columns) contiguous, f32 or bf16
//   traffic      forward reads x and writes y once, backward reads y and dy and writes dx once, where a row fits a
//                warp's registers (256 columns; whole 16-byte vectors: f32 1024, bf16 2048). Longer rows are read
//                twice; the second time from L1 or L2 as long as the rows in flight fit there
//   launch       short rows: one warp a row, 4 rows a block; long rows: one block a row, 128 to 1024 threads
//   numerics     f32 inside; long rows keep a running maximum and rescale the sum when it rises
//   determinism  yes: fixed order, no atomics
//   checked by   tests/emu/softmax.cpp, tests/cuda/softmax.cpp
//   measured     not measured
#include "../softmax.h"

#include <device/launch.cuh>
#include <device/reduce.cuh>
#include <device/vec.cuh>

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kRowsPerBlock = 4;  // warp kernels
constexpr int kVectorsPerLane = 8;

// What is subtracted before exp: not -inf - (-inf), which would be NaN, where a row is all -inf.
__device__ inline float shift_of(float max) { return max == -INFINITY ? 0.0f : max; }

// From x - shift and the row's sum to y. A sum of 0 means that every entry was -inf; a NaN in x makes a NaN sum.
struct Normalize {
  float shift, scale, log_sum;
  __device__ Normalize(float shift_, float sum)
      : shift(shift_),
        scale(sum == 0.0f ? 0.0f : 1.0f / sum),
        log_sum(sum == 0.0f ? 0.0f : logf(sum)) {}
  __device__ float operator()(float x, bool log) const {
    return log ? x - shift - log_sum : expf(x - shift) * scale;
  }
};

__device__ inline float gradient(float y, float dy, float sum, bool log) {
  return log ? dy - expf(y) * sum : y * (dy - sum);
}

template <class T, int N, int V>
__global__ void __launch_bounds__(kWarp* kRowsPerBlock)
    forward_warp(T* y, const T* x, std::int64_t rows, std::int64_t columns, bool log) {
  const std::int64_t row = std::int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.y;
  if (row >= rows) return;  // the whole warp, and warps never wait for each other here
  x += row * columns;
  y += row * columns;
  float v[V][N], max = -INFINITY, sum = 0.0f;
  LACUNA_UNROLL
  for (int i = 0; i < V; i++) {
    load_vec(v[i], x, (std::int64_t{i} * kWarp + threadIdx.x) * N, columns, -INFINITY);
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) max = fmaxf(max, v[i][k]);
  }
  const float shift = shift_of(warp_reduce<Max>(max));
  LACUNA_UNROLL
  for (int i = 0; i < V; i++) LACUNA_UNROLL
  for (int k = 0; k < N; k++) sum += expf(v[i][k] - shift);
  const Normalize normalize(shift, warp_reduce<Sum>(sum));
  LACUNA_UNROLL
  for (int i = 0; i < V; i++) {
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) v[i][k] = normalize(v[i][k], log);
    store_vec(y, (std::int64_t{i} * kWarp + threadIdx.x) * N, columns, v[i]);
  }
}

template <class T, int N>
__global__ void __launch_bounds__(1024)
    forward_block(T* y, const T* x, std::int64_t columns, bool log) {
  x += blockIdx.x * columns;
  y += blockIdx.x * columns;
  float v[N], max = -INFINITY, sum = 0.0f;
  for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < columns;
       j += std::int64_t{blockDim.x} * N) {
    load_vec(v, x, j, columns, -INFINITY);
    float higher = max;
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) higher = fmaxf(higher, v[k]);
    if (higher > max) {
      sum *= expf(max - higher);
      max = higher;
    }
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) sum += expf(v[k] - shift_of(max));
  }
  const float shift = shift_of(block_reduce<Max>(max));
  if (max != -INFINITY) sum *= expf(max - shift);  // else it is 0 (or NaN) already
  const Normalize normalize(shift, block_reduce<Sum>(sum));
  for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < columns;
       j += std::int64_t{blockDim.x} * N) {
    load_vec(v, x, j, columns, -INFINITY);
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) v[k] = normalize(v[k], log);
    store_vec(y, j, columns, v);
  }
}

template <class T, int N, int V>
__global__ void __launch_bounds__(kWarp* kRowsPerBlock)
    backward_warp(T* dx, const T* y, const T* dy, std::int64_t rows, std::int64_t columns,
                  bool log) {
  const std::int64_t row = std::int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.y;
  if (row >= rows) return;
  dx += row * columns;
  y += row * columns;
  dy += row * columns;
  float out[V][N], g[V][N], sum = 0.0f;
  LACUNA_UNROLL
  for (int i = 0; i < V; i++) {
    const std::int64_t j = (std::int64_t{i} * kWarp + threadIdx.x) * N;
    load_vec(out[i], y, j, columns, 0.0f);
    load_vec(g[i], dy, j, columns, 0.0f);
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) sum += log ? g[i][k] : g[i][k] * out[i][k];
  }
  sum = warp_reduce<Sum>(sum);
  LACUNA_UNROLL
  for (int i = 0; i < V; i++) {
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) out[i][k] = gradient(out[i][k], g[i][k], sum, log);
    store_vec(dx, (std::int64_t{i} * kWarp + threadIdx.x) * N, columns, out[i]);
  }
}

// dx may be dy: in the second pass a thread reads an element before it writes it, and nobody else touches that one.
template <class T, int N>
__global__ void __launch_bounds__(1024)
    backward_block(T* dx, const T* y, const T* dy, std::int64_t columns, bool log) {
  dx += blockIdx.x * columns;
  y += blockIdx.x * columns;
  dy += blockIdx.x * columns;
  float out[N], g[N], sum = 0.0f;
  for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < columns;
       j += std::int64_t{blockDim.x} * N) {
    load_vec(out, y, j, columns, 0.0f);
    load_vec(g, dy, j, columns, 0.0f);
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) sum += log ? g[k] : g[k] * out[k];
  }
  sum = block_reduce<Sum>(sum);
  for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < columns;
       j += std::int64_t{blockDim.x} * N) {
    load_vec(out, y, j, columns, 0.0f);
    load_vec(g, dy, j, columns, 0.0f);
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) out[k] = gradient(out[k], g[k], sum, log);
    store_vec(dx, j, columns, out);
  }
}

// ---- launchers ----

// Calls warp(V) where a row is at most V vectors of N a lane, else block(threads), which gives a thread about four.
template <int N, class Warp, class Block>
void by_length(std::int64_t columns, Warp&& warp, Block&& block) {
  const std::int64_t vectors = ceil_div(columns, kWarp * N);
  if (vectors <= 1)
    warp(std::integral_constant<int, 1>{});
  else if (vectors <= 2)
    warp(std::integral_constant<int, 2>{});
  else if (vectors <= 4)
    warp(std::integral_constant<int, 4>{});
  else if (vectors <= kVectorsPerLane)
    warp(std::integral_constant<int, kVectorsPerLane>{});
  else
    block(vectors >= 128 ? 1024 : vectors <= 16 ? 128 : ceil_div(vectors, 4) * kWarp);
}

template <class T>
void forward(const SoftmaxForward& a, Stream stream) {
  const std::int64_t columns = a.x.dim(-1), rows = columns ? a.x.size() / columns : 0;
  T* const y = a.y.as<T>();
  const T* const x = a.x.as<T>();
  with_vector_width<T>(columns, {y, x}, [&](auto width) {
    constexpr int N = decltype(width)::value;
    by_length<N>(
        columns,
        [&](auto vectors) {
          constexpr int V = decltype(vectors)::value;
          launch({.grid = ceil_div(rows, kRowsPerBlock),
                  .block = {kWarp, kRowsPerBlock},
                  .stream = stream},
                 forward_warp<T, N, V>, y, x, rows, columns, a.log);
        },
        [&](std::int64_t threads) {
          launch({.grid = rows, .block = threads, .stream = stream}, forward_block<T, N>, y, x,
                 columns, a.log);
        });
  });
}

template <class T>
void backward(const SoftmaxBackward& a, Stream stream) {
  const std::int64_t columns = a.y.dim(-1), rows = columns ? a.y.size() / columns : 0;
  T* const dx = a.dx.as<T>();
  const T *const y = a.y.as<T>(), *const dy = a.dy.as<T>();
  with_vector_width<T>(columns, {dx, y, dy}, [&](auto width) {
    constexpr int N = decltype(width)::value;
    by_length<N>(
        columns,
        [&](auto vectors) {
          constexpr int V = decltype(vectors)::value;
          launch({.grid = ceil_div(rows, kRowsPerBlock),
                  .block = {kWarp, kRowsPerBlock},
                  .stream = stream},
                 backward_warp<T, N, V>, dx, y, dy, rows, columns, a.log);
        },
        [&](std::int64_t threads) {
          launch({.grid = rows, .block = threads, .stream = stream}, backward_block<T, N>, dx, y,
                 dy, columns, a.log);
        });
  });
}

}  // namespace

void softmax_forward(const SoftmaxForward& a, Stream stream) {
  a.x.dtype == Dtype::bf16 ? forward<bf16>(a, stream) : forward<float>(a, stream);
}

void softmax_backward(const SoftmaxBackward& a, Stream stream) {
  a.y.dtype == Dtype::bf16 ? backward<bf16>(a, stream) : backward<float>(a, stream);
}

}  // namespace lacuna::LACUNA_NS
