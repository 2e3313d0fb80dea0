// Batch norm over the rows of (rows, channels): forward and backward, given statistics and sums
//   math         kernels/batch_norm.h
//   shapes       x, y, dx, dy (..., channels) contiguous, f32 or bf16; every (channels) vector f32
//   traffic      forward: x, y once, and residual where there is one; backward: dy, x, dx once (dy, dx where mean and rstd are
//                constants and no relu came after)
//   launch       device/columns.cuh; a thread keeps its channels' parameters and has 4 or 8 vectors in flight
//   numerics     f32 inside
//   determinism  yes: each element by itself
//   checked by   tests/ops/batch_norm.cpp, tests/emu/batch_norm.cpp
//   measured     not measured
#include "../batch_norm.h"

#include <device/columns.cuh>

namespace lacuna::LACUNA_NS {
namespace {

template <class T, int N, bool kResidual>
__global__ void __launch_bounds__(kColumnThreads)
    normalise(T* y, const T* x, const T* residual, const float* mean, const float* rstd,
              const float* gamma, const float* beta, bool relu, std::int64_t rows,
              std::int64_t columns, std::int64_t chunk) {
  constexpr int R = kResidual ? kInFlight<N> / 2 : kInFlight<N>;
  const ColumnPlace<N> p(rows, chunk);
  if (p.j >= columns) return;
  float m[N], scale[N], shift[N], weight[N], v[R][N], more[R][N];
  load_parameter(m, mean, p.j, columns, 0.0f);
  load_parameter(scale, rstd, p.j, columns, 0.0f);
  load_parameter(weight, gamma, p.j, columns, 1.0f);
  load_parameter(shift, beta, p.j, columns, 0.0f);
  LACUNA_UNROLL
  for (int k = 0; k < N; k++) scale[k] *= weight[k];
  for (std::int64_t row = p.first; row < p.end; row += R * p.step) {
    LACUNA_UNROLL
    for (int r = 0; r < R; r++) {
      const std::int64_t at = row + r * p.step, width = at < p.end ? columns : 0;
      load_vec(v[r], x + at * columns, p.j, width, 0.0f);
      if constexpr (kResidual) load_vec(more[r], residual + at * columns, p.j, width, 0.0f);
    }
    LACUNA_UNROLL
    for (int r = 0; r < R; r++) {
      const std::int64_t at = row + r * p.step;
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) {
        v[r][k] = (v[r][k] - m[k]) * scale[k] + shift[k];
        if constexpr (kResidual) v[r][k] += more[r][k];
        if (relu && v[r][k] < 0.0f) v[r][k] = 0.0f;
      }
      if (at < p.end) store_vec(y + at * columns, p.j, columns, v[r]);
    }
  }
}

// dx = scale * (dy - offset - (x - mean) * slope), offset = sum dy / n, slope = rstd * sum(dy * xhat) / n; without dgamma
// and dbeta dx = scale * dy. With relu dy counts where forward was above 0; without it and them x is not read. dx may be dy: a
// thread reads what it then writes, and nobody else does.
template <class T, int N>
__global__ void __launch_bounds__(kColumnThreads)
    backward_rows(T* dx, const T* dy, const T* x, const float* mean, const float* rstd,
                  const float* gamma, const float* beta, const float* dgamma, const float* dbeta,
                  float count, bool relu, std::int64_t rows, std::int64_t columns,
                  std::int64_t chunk) {
  constexpr int R = kInFlight<N> / 2;
  const ColumnPlace<N> p(rows, chunk);
  if (p.j >= columns) return;
  float m[N], scale[N], shift[N], offset[N], slope[N], weight[N], g[R][N], v[R][N];
  load_parameter(m, mean, p.j, columns, 0.0f);
  load_parameter(scale, rstd, p.j, columns, 0.0f);
  load_parameter(weight, gamma, p.j, columns, 1.0f);
  load_parameter(shift, beta, p.j, columns, 0.0f);
  load_parameter(offset, dbeta, p.j, columns, 0.0f);
  load_parameter(slope, dgamma, p.j, columns, 0.0f);
  LACUNA_UNROLL
  for (int k = 0; k < N; k++) {
    offset[k] /= count;
    slope[k] = scale[k] * slope[k] / count;
    scale[k] *= weight[k];
  }
  for (std::int64_t row = p.first; row < p.end; row += R * p.step) {
    LACUNA_UNROLL
    for (int r = 0; r < R; r++) {
      const std::int64_t at = row + r * p.step, width = at < p.end ? columns : 0;
      load_vec(g[r], dy + at * columns, p.j, width, 0.0f);
      if (dgamma || relu) load_vec(v[r], x + at * columns, p.j, width, 0.0f);
    }
    LACUNA_UNROLL
    for (int r = 0; r < R; r++) {
      const std::int64_t at = row + r * p.step;
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) {
        if (relu && !((v[r][k] - m[k]) * scale[k] + shift[k] > 0.0f)) g[r][k] = 0.0f;
        if (dgamma) g[r][k] -= offset[k] + (v[r][k] - m[k]) * slope[k];
        g[r][k] *= scale[k];
      }
      if (at < p.end) store_vec(dx + at * columns, p.j, columns, g[r]);
    }
  }
}

// ---- launchers ----

template <class T>
void forward(const BatchNormForward& a, Stream stream) {
  T* const y = a.y.as<T>();
  const T *const x = a.x.as<T>(), *const residual = a.residual.as<T>();
  by_columns<T>(a.x, {y, x, residual, a.mean.data, a.rstd.data, a.gamma.data, a.beta.data},
                residual ? 2 : 1, [&](auto n, const ColumnGrid& g) {
                  const auto kernel = residual ? normalise<T, decltype(n)::value, true>
                                               : normalise<T, decltype(n)::value, false>;
                  launch(
                      {.grid = g.grid(), .block = g.block(), .stream = stream, .barriers = false},
                      kernel, y, x, residual, a.mean.as<float>(), a.rstd.as<float>(),
                      a.gamma.as<float>(), a.beta.as<float>(), a.relu, g.rows, g.columns, g.chunk);
                });
}

template <class T>
void backward(const BatchNormBackward& a, Stream stream) {
  T* const dx = a.dx.as<T>();
  const T *const dy = a.dy.as<T>(), *const x = a.x.as<T>();
  by_columns<T>(
      a.x,
      {dx, dy, x, a.mean.data, a.rstd.data, a.gamma.data, a.beta.data, a.dgamma.data, a.dbeta.data},
      2, [&](auto n, const ColumnGrid& g) {
        launch({.grid = g.grid(), .block = g.block(), .stream = stream, .barriers = false},
               backward_rows<T, decltype(n)::value>, dx, dy, x, a.mean.as<float>(),
               a.rstd.as<float>(), a.gamma.as<float>(), a.beta.as<float>(), a.dgamma.as<float>(),
               a.dbeta.as<float>(), a.count, a.relu, g.rows, g.columns, g.chunk);
      });
}

}  // namespace

void batch_norm_forward(const BatchNormForward& a, Stream stream) {
  a.x.dtype == Dtype::bf16 ? forward<bf16>(a, stream) : forward<float>(a, stream);
}
void batch_norm_backward(const BatchNormBackward& a, Stream stream) {
  a.x.dtype == Dtype::bf16 ? backward<bf16>(a, stream) : backward<float>(a, stream);
}

}  // namespace lacuna::LACUNA_NS
