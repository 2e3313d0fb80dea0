// Batch norm's reductions over the rows of (rows, channels): moments, and the sums for backward
//   math         kernels/batch_norm.h
//   shapes       x, dy (..., channels) contiguous, f32 or bf16; every (channels) vector f32
//   traffic      moments: x once; sums: dy and x once; 16 bytes a channel and chunk of rows written and read
//   launch       device/columns.cuh; a thread has 4 or 8 vectors in flight. A second launch goes over the chunks
//   numerics     f32 inside; moments of 4 or 8 rows in two passes from registers, joined by Chan, Golub, LeVeque 1979
//   determinism  yes: fixed order, no atomics; chunks depend on the shape alone (and on whether arrays are aligned)
//   checked by   tests/ops/batch_norm.cpp, tests/emu/batch_norm.cpp
//   measured     not measured
#include "../batch_norm.h"

#include <algorithm>
#include <device/columns.cuh>
#include <device/moments.cuh>
#include <device/workspace.cuh>

#include "batch_norm.h"

namespace lacuna::LACUNA_NS {
namespace {

// partial (chunks, 2, columns): mean and centred of each chunk
template <class T, int N>
__global__ void __launch_bounds__(kColumnThreads)
    moments_of_chunks(float* partial, const T* x, std::int64_t rows, std::int64_t columns,
                      std::int64_t chunk) {
  constexpr int R = kInFlight<N>;
  LACUNA_SHARED(float, means, [kColumnThreads * N]);
  LACUNA_SHARED(float, squares, [kColumnThreads * N]);
  const ColumnPlace<N> p(rows, chunk);
  Moments m[N];
  float v[R][N];
  for (std::int64_t row = p.first; row < p.end; row += R * p.step) {
    float count = 0.0f;
    LACUNA_UNROLL
    for (int r = 0; r < R; r++) {
      const std::int64_t at = row + r * p.step;
      count += at < p.end ? 1.0f : 0.0f;
      load_vec(v[r], x + at * columns, p.j, at < p.end ? columns : 0, 0.0f);
    }
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) {
      float sum = 0.0f, centred = 0.0f;
      LACUNA_UNROLL
      for (int r = 0; r < R; r++) sum += v[r][k];
      const float mean = sum / count;
      LACUNA_UNROLL
      for (int r = 0; r < R; r++)
        centred += row + r * p.step < p.end ? (v[r][k] - mean) * (v[r][k] - mean) : 0.0f;
      m[k].join(mean, centred, count);
    }
  }
  const int width = static_cast<int>(blockDim.x) * N;
  LACUNA_UNROLL
  for (int k = 0; k < N; k++) {
    means[threadIdx.y * width + threadIdx.x * N + k] = m[k].mean;
    squares[threadIdx.y * width + threadIdx.x * N + k] = m[k].centred;
  }
  __syncthreads();
  const int thread = static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x);
  const std::int64_t j = std::int64_t{blockIdx.x} * width + thread;
  if (thread >= width || j >= columns) return;
  Moments all;
  for (std::int64_t y = 0; y < p.step; y++) {
    const std::int64_t left =
        p.end - (p.first - threadIdx.y + y);  // rows from that thread's first on
    if (left <= 0) break;
    all.join(means[y * width + thread], squares[y * width + thread],
             static_cast<float>((left + p.step - 1) / p.step));
  }
  partial[2 * blockIdx.y * columns + j] = all.mean;
  partial[(2 * blockIdx.y + 1) * columns + j] = all.centred;
}

// The same of `together` chunks, by a block for 32 columns: mean and centred (groups, columns), with `step` from one group
// to the next.
__global__ void __launch_bounds__(1024)
    join_chunks(float* mean, float* centred, std::int64_t step, const float* partial,
                std::int64_t rows, std::int64_t columns, std::int64_t chunk,
                std::int64_t together) {
  LACUNA_SHARED(float, shared, [3][kWarp][kWarp]);
  const std::int64_t j = std::int64_t{blockIdx.x} * kWarp + threadIdx.x;
  const std::int64_t first = blockIdx.y * together;
  Moments m;
  if (j < columns)
    for (std::int64_t c = first + threadIdx.y; c < first + together; c += kWarp) {
      const std::int64_t left = rows - c * chunk;
      if (left <= 0) break;
      m.join(partial[2 * c * columns + j], partial[(2 * c + 1) * columns + j],
             static_cast<float>(left < chunk ? left : chunk));
    }
  shared[0][threadIdx.y][threadIdx.x] = m.mean;
  shared[1][threadIdx.y][threadIdx.x] = m.centred;
  shared[2][threadIdx.y][threadIdx.x] = m.count;
  __syncthreads();
  if (threadIdx.y > 0 || j >= columns) return;
  for (int y = 1; y < kWarp; y++)
    m.join(shared[0][y][threadIdx.x], shared[1][y][threadIdx.x], shared[2][y][threadIdx.x]);
  mean[blockIdx.y * step + j] = m.mean;
  centred[blockIdx.y * step + j] = m.centred;
}

// partial (chunks, 2, columns): sum dy * (x - mean) and sum dy of each chunk; with relu of the dy where forward was above 0
template <class T, int N>
__global__ void __launch_bounds__(kColumnThreads)
    sums_of_chunks(float* partial, const T* dy, const T* x, const float* mean, const float* rstd,
                   const float* gamma, const float* beta, bool relu, std::int64_t rows,
                   std::int64_t columns, std::int64_t chunk) {
  constexpr int R = kInFlight<N> / 2;
  LACUNA_SHARED(float, shared, [2][kColumnThreads * N]);
  const ColumnPlace<N> p(rows, chunk);
  float m[N], scale[N], shift[N], weight[N], sum[2][N], g[R][N], v[R][N];
  load_parameter(m, mean, p.j, columns, 0.0f);
  load_parameter(scale, rstd, p.j, columns, 0.0f);
  load_parameter(weight, gamma, p.j, columns, 1.0f);
  load_parameter(shift, beta, p.j, columns, 0.0f);
  LACUNA_UNROLL
  for (int k = 0; k < N; k++) {
    scale[k] *= weight[k];
    sum[0][k] = sum[1][k] = 0.0f;
  }
  for (std::int64_t row = p.first; row < p.end; row += R * p.step) {
    LACUNA_UNROLL
    for (int r = 0; r < R; r++) {
      const std::int64_t at = row + r * p.step, width = at < p.end ? columns : 0;
      load_vec(g[r], dy + at * columns, p.j, width, 0.0f);
      load_vec(v[r], x + at * columns, p.j, width, 0.0f);
    }
    LACUNA_UNROLL
    for (int r = 0; r < R; r++) {
      if (row + r * p.step >= p.end) continue;
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) {
        if (relu && !((v[r][k] - m[k]) * scale[k] + shift[k] > 0.0f)) continue;
        sum[0][k] += g[r][k] * (v[r][k] - m[k]);
        sum[1][k] += g[r][k];
      }
    }
  }
  LACUNA_UNROLL
  for (int s = 0; s < 2; s++)
    fold_block(shared[s], sum[s], columns, [&](std::int64_t j, float total) {
      partial[(2 * blockIdx.y + s) * columns + j] = total;
    });
}

// ---- launchers ----

template <class T>
void moments(const BatchNormMoments& a, Stream stream) {
  const T* const x = a.x.as<T>();
  by_columns<T>(a.x, {x}, 1, [&](auto n, const ColumnGrid& g) {
    const Workspace<float> partial(a.x.device, g.chunks * 2 * g.columns);
    launch({.grid = g.grid(), .block = g.block(), .stream = stream},
           moments_of_chunks<T, decltype(n)::value>, partial.data(), x, g.rows, g.columns, g.chunk);
    join_moments(a.mean, a.centred, partial.data(), g.rows, g.chunk, stream);
  });
}

template <class T>
void sums(const BatchNormSums& a, Stream stream) {
  const T *const dy = a.dy.as<T>(), *const x = a.x.as<T>();
  by_columns<T>(a.x, {dy, x, a.mean.data, a.rstd.data, a.gamma.data, a.beta.data}, 2,
                [&](auto n, const ColumnGrid& g) {
                  const Workspace<float> partial(a.x.device, g.chunks * 2 * g.columns);
                  launch({.grid = g.grid(), .block = g.block(), .stream = stream},
                         sums_of_chunks<T, decltype(n)::value>, partial.data(), dy, x,
                         a.mean.as<float>(), a.rstd.as<float>(), a.gamma.as<float>(),
                         a.beta.as<float>(), a.relu, g.rows, g.columns, g.chunk);
                  launch_fold_columns(a.dgamma.as<float>(), a.dbeta.as<float>(), partial.data(),
                                      g.chunks, g.columns, a.rstd.as<float>(), stream);
                });
}

}  // namespace

void join_moments(const Array& mean, const Array& centred, const float* partial, std::int64_t rows,
                  std::int64_t chunk, Stream stream) {
  constexpr std::int64_t kTogether = 8 * kWarp;  // of a block; what is more goes in two steps
  const std::int64_t columns = mean.dim(0), chunks = chunk ? ceil_div(rows, chunk) : 0;
  const auto join = [&](float* to_mean, float* to_centred, std::int64_t step,
                        std::int64_t together) {
    launch(
        {.grid = {ceil_div(columns, kWarp), std::max(ceil_div(chunks, together), std::int64_t{1})},
         .block = {kWarp, kWarp},
         .stream = stream},
        join_chunks, to_mean, to_centred, step, partial, rows, columns, chunk, together);
  };
  if (chunks <= kTogether) return join(mean.as<float>(), centred.as<float>(), 0, kTogether);
  const Workspace<float> joined(mean.device, ceil_div(chunks, kTogether) * 2 * columns);
  join(joined.data(), joined.data() + columns, 2 * columns, kTogether);
  join_moments(mean, centred, joined.data(), rows, chunk * kTogether, stream);
}

void batch_norm_moments(const BatchNormMoments& a, Stream stream) {
  a.x.dtype == Dtype::bf16 ? moments<bf16>(a, stream) : moments<float>(a, stream);
}
void batch_norm_sums(const BatchNormSums& a, Stream stream) {
  a.x.dtype == Dtype::bf16 ? sums<bf16>(a, stream) : sums<float>(a, stream);
}

}  // namespace lacuna::LACUNA_NS
