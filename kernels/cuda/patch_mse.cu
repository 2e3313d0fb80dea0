// The masked loss of patches, forward and backward
//   math         kernels/patch_mse.h
//   shapes       prediction, target (rows, p) contiguous, f32 or bf16; hidden (rows) u8; stats, y, dy, weight f32
//   traffic      forward: hidden patches of both arrays once, where they fit their threads' registers (in 16-byte vectors 8,192
//                values); backward: the same, and the gradient written once
//   launch       device/rows.cuh: a warp a patch up to 1,024 values, else a block; then one block over the patches' losses
//   numerics     f32 in a patch, variance in two passes; patches are added up in f64
//   determinism  yes: fixed order, no atomics
//   checked by   tests/ops/patch_mse.cpp, tests/emu/patch_mse.cpp
//   measured     not measured
#include "../patch_mse.h"

#include <device/rows.cuh>
#include <device/sum.cuh>
#include <device/workspace.cuh>

namespace lacuna::LACUNA_NS {
namespace {

template <class Team, class T, int N, int V>
__global__ void __launch_bounds__(Team::kThreads)
    forward_kernel(float* losses, float* stats, const T* prediction, const T* target,
                   const std::uint8_t* hidden, bool normalise, float eps, std::int64_t rows,
                   std::int64_t columns) {
  for (std::int64_t row = Team::first_row(); row < rows; row += Team::row_step()) {
    const bool leader = Team::thread() == 0;
    if (!hidden[row]) {
      if (leader) losses[row] = 0.0f;
      continue;
    }
    const T *const in = target + row * columns, *const guess = prediction + row * columns;
    float t[kKept<V>][N], u[kKept<V>][N], sum = 0.0f, squares = 0.0f, error = 0.0f;
    const auto load = [&](int i, std::int64_t j) {
      load_vec(t[i], in, j, columns, 0.0f);
      load_vec(u[i], guess, j, columns, 0.0f);
    };
    if constexpr (V > 0) each_vector<Team, N, V>(columns, load);
    float mean = 0.0f, rstd = 1.0f;
    if (normalise) {
      each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
        if (V == 0) load_vec(t[i], in, j, columns, 0.0f);
        LACUNA_UNROLL
        for (int k = 0; k < N; k++) sum += t[i][k];
      });
      mean = Team::template reduce<Sum>(sum) / static_cast<float>(columns);
      each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
        if (V == 0) load_vec(t[i], in, j, columns, 0.0f);
        if (j >= columns) return;
        LACUNA_UNROLL
        for (int k = 0; k < N; k++) squares += (t[i][k] - mean) * (t[i][k] - mean);
      });
      squares = Team::template reduce<Sum>(squares) / static_cast<float>(columns - 1);
      rstd = 1.0f / sqrtf(squares + eps);
    }
    each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
      if (V == 0) load(i, j);
      if (j >= columns) return;
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) {
        const float e = u[i][k] - (t[i][k] - mean) * rstd;
        error += e * e;
      }
    });
    error = Team::template reduce<Sum>(error);
    if (!leader) continue;
    losses[row] = error / static_cast<float>(columns);
    stats[2 * row] = mean;
    stats[2 * row + 1] = rstd;
  }
}

// weight = 1 / hidden patches, y = weight * the sum of their losses
__global__ void __launch_bounds__(1024)
    mean_of_hidden(float* y, float* weight, const float* losses, const std::uint8_t* hidden,
                   std::int64_t rows) {
  double sum = 0, count = 0;
  for (std::int64_t row = threadIdx.x; row < rows; row += blockDim.x) {
    sum += losses[row];
    count += hidden[row] ? 1 : 0;
  }
  sum = group_sum<1024>(sum);
  count = group_sum<1024>(count);
  if (threadIdx.x > 0) return;
  const double each = count > 0 ? 1 / count : 0;
  *weight = static_cast<float>(each);
  *y = static_cast<float>(sum * each);
}

// out may be prediction: a thread reads what it then writes, and nobody else does.
template <class Team, class T, int N, int V>
__global__ void __launch_bounds__(Team::kThreads)
    backward_kernel(T* out, const float* dy, const float* weight, const float* stats,
                    const T* prediction, const T* target, const std::uint8_t* hidden,
                    std::int64_t rows, std::int64_t columns) {
  const float scale = *dy * *weight * (2.0f / static_cast<float>(columns));
  for (std::int64_t row = Team::first_row(); row < rows; row += Team::row_step()) {
    const bool hides = hidden[row];
    const float mean = hides ? stats[2 * row] : 0.0f, rstd = hides ? stats[2 * row + 1] : 0.0f;
    const std::int64_t width = hides ? columns : 0;  // that are read
    float t[kKept<V>][N], u[kKept<V>][N];
    const auto load = [&](int i, std::int64_t j) {
      load_vec(t[i], target + row * columns, j, width, 0.0f);
      load_vec(u[i], prediction + row * columns, j, width, 0.0f);
    };
    if constexpr (V > 0) each_vector<Team, N, V>(columns, load);
    each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
      if (V == 0) load(i, j);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++)
        u[i][k] = hides ? scale * (u[i][k] - (t[i][k] - mean) * rstd) : 0.0f;
      store_vec(out + row * columns, j, columns, u[i]);
    });
  }
}

// ---- launchers ----

// As by_rows, for two arrays: at most 32 values of each a lane, 16 a thread of a block.
template <class T, class F>
void by_patches(std::int64_t columns, std::initializer_list<const void*> arrays, F&& f) {
  with_vector_width<T>(columns, arrays, [&](auto n) {
    constexpr int N = decltype(n)::value;
    by_row_length<4, N == 8 ? 4 : 8, 512, N == 8 ? 2 : 4, N>(
        columns, [&](auto team, auto v, Extent block) { f(team, n, v, block); });
  });
}

template <class T>
void forward(const PatchMseForward& a, Stream stream) {
  const std::int64_t rows = a.prediction.dim(0), columns = a.prediction.dim(1);
  const T *const prediction = a.prediction.as<T>(), *const target = a.target.as<T>();
  const std::uint8_t* const hidden = a.hidden.as<std::uint8_t>();
  const Workspace<float> losses(a.prediction.device, rows);
  by_patches<T>(columns, {prediction, target}, [&](auto team, auto n, auto v, Extent block) {
    using Team = decltype(team);
    launch({.grid = Team::blocks(rows), .block = block, .stream = stream},
           forward_kernel<Team, T, decltype(n)::value, decltype(v)::value>, losses.data(),
           a.stats.as<float>(), prediction, target, hidden, a.normalise, a.eps, rows, columns);
  });
  launch({.grid = 1, .block = 1024, .stream = stream}, mean_of_hidden, a.y.as<float>(),
         a.weight.as<float>(), losses.data(), hidden, rows);
}

template <class T>
void backward(const PatchMseBackward& a, Stream stream) {
  const std::int64_t rows = a.prediction.dim(0), columns = a.prediction.dim(1);
  T* const out = a.dprediction.as<T>();
  const T *const prediction = a.prediction.as<T>(), *const target = a.target.as<T>();
  by_patches<T>(columns, {out, prediction, target}, [&](auto team, auto n, auto v, Extent block) {
    using Team = decltype(team);
    launch({.grid = Team::blocks(rows), .block = block, .stream = stream, .barriers = false},
           backward_kernel<Team, T, decltype(n)::value, decltype(v)::value>, out, a.dy.as<float>(),
           a.weight.as<float>(), a.stats.as<float>(), prediction, target,
           a.hidden.as<std::uint8_t>(), rows, columns);
  });
}

}  // namespace

void patch_mse_forward(const PatchMseForward& a, Stream stream) {
  a.prediction.dtype == Dtype::bf16 ? forward<bf16>(a, stream) : forward<float>(a, stream);
}
void patch_mse_backward(const PatchMseBackward& a, Stream stream) {
  a.prediction.dtype == Dtype::bf16 ? backward<bf16>(a, stream) : backward<float>(a, stream);
}

}  // namespace lacuna::LACUNA_NS
