// L2 normalisation of rows, forward and backward
//   math         kernels/layer_norm.h
//   shapes       x, y, dx, dy (rows, n) contiguous, f32 or bf16; norms f32
//   traffic      forward reads x and writes y once, backward reads y and dy and writes dx once, where a row fits its
//                threads' registers: in whole 16-byte vectors 8,192 columns (bf16 16,384), else 2,048. Longer rows are read
//                twice, as long as may be the second time from L2
//   launch       rows up to 1,024 columns (bf16 2,048; 256 where not in vectors): a warp a row; longer ones: a block a row,
//                up to 512 threads
//   numerics     f32 inside
//   determinism  yes: fixed order, no atomics
//   checked by   tests/ops/layer_norm.cpp, tests/emu/layer_norm.cpp
//   measured     not measured
#include "../layer_norm.h"

#include <device/rows.cuh>

namespace lacuna::LACUNA_NS {
namespace {

template <class Team, class T, int N, int V>
__global__ void __launch_bounds__(Team::kThreads)
    l2_forward(T* y, float* norms, const T* x, float eps, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t row = Team::first_row(); row < rows; row += Team::row_step()) {
    float v[kKept<V>][N], squares = 0.0f;
    each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
      load_vec(v[i], x + row * columns, j, columns, 0.0f);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) squares += v[i][k] * v[i][k];
    });
    const float norm = sqrtf(Team::template reduce<Sum>(squares));
    const float scale = 1.0f / (norm < eps ? eps : norm);
    each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
      if (V == 0) load_vec(v[i], x + row * columns, j, columns, 0.0f);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) v[i][k] *= scale;
      store_vec(y + row * columns, j, columns, v[i]);
    });
    if (Team::thread() == 0) norms[row] = norm;
  }
}

// dx may be dy: a thread reads what it then writes, and nobody else does.
template <class Team, class T, int N, int V>
__global__ void __launch_bounds__(Team::kThreads)
    l2_backward(T* dx, const T* dy, const T* y, const float* norms, float eps, std::int64_t rows,
                std::int64_t columns) {
  for (std::int64_t row = Team::first_row(); row < rows; row += Team::row_step()) {
    const float norm = norms[row], scale = 1.0f / (norm < eps ? eps : norm);
    float out[kKept<V>][N], g[kKept<V>][N], along = 0.0f;
    const auto load = [&](int i, std::int64_t j) {
      load_vec(out[i], y + row * columns, j, columns, 0.0f);
      load_vec(g[i], dy + row * columns, j, columns, 0.0f);
    };
    each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
      load(i, j);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) along += g[i][k] * out[i][k];
    });
    along = Team::template reduce<Sum>(along);
    if (norm < eps) along = 0.0f;
    each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
      if (V == 0) load(i, j);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) g[i][k] = scale * (g[i][k] - out[i][k] * along);
      store_vec(dx + row * columns, j, columns, g[i]);
    });
  }
}

// ---- launchers ----

template <class T>
void forward(const L2NormaliseForward& a, Stream stream) {
  const std::int64_t rows = a.x.dim(0), columns = a.x.dim(1);
  T* const y = a.y.as<T>();
  const T* const x = a.x.as<T>();
  by_rows<T>(columns, {y, x}, [&](auto team, auto n, auto v, Extent block) {
    using Team = decltype(team);
    constexpr int N = decltype(n)::value, V = decltype(v)::value;
    launch({.grid = Team::blocks(rows), .block = block, .stream = stream},
           l2_forward<Team, T, N, V>, y, a.norms.as<float>(), x, a.eps, rows, columns);
  });
}

template <class T>
void backward(const L2NormaliseBackward& a, Stream stream) {
  const std::int64_t rows = a.y.dim(0), columns = a.y.dim(1);
  T* const dx = a.dx.as<T>();
  const T *const dy = a.dy.as<T>(), *const y = a.y.as<T>();
  by_rows<T>(columns, {dx, dy, y}, [&](auto team, auto n, auto v, Extent block) {
    using Team = decltype(team);
    constexpr int N = decltype(n)::value, V = decltype(v)::value;
    launch({.grid = Team::blocks(rows), .block = block, .stream = stream},
           l2_backward<Team, T, N, V>, dx, dy, y, a.norms.as<float>(), a.eps, rows, columns);
  });
}

}  // namespace

void l2_normalise_forward(const L2NormaliseForward& a, Stream stream) {
  a.x.dtype == Dtype::bf16 ? forward<bf16>(a, stream) : forward<float>(a, stream);
}
void l2_normalise_backward(const L2NormaliseBackward& a, Stream stream) {
  a.y.dtype == Dtype::bf16 ? backward<bf16>(a, stream) : backward<float>(a, stream);
}

}  // namespace lacuna::LACUNA_NS
