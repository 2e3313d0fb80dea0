// Layer norm of rows, forward and backward
//   math         kernels/layer_norm.h
//   shapes       x, y, dx, dy (rows, n) contiguous, f32 or bf16; gamma, beta, their gradients and stats f32
//   traffic      forward reads x and writes y once, backward reads x and dy and writes dx once, where a row fits its
//                threads' registers: in whole 16-byte vectors 8,192 columns (forward in bf16 16,384), else 2,048 (backward
//                4,096). Longer rows are read again in every pass, as long as may be from L2
//   launch       rows up to 1,024 columns (forward in bf16 2,048; 256 where not in vectors): a warp a row; longer ones: a
//                block a row, up to 512 threads. Backward is persistent, 1 to 8 blocks a multiprocessor: a thread adds up
//                its columns' dgamma and dbeta in registers over all its rows, a block leaves one row of each in a
//                workspace, and a second launch adds these rows
//   numerics     f32 inside; variance in two passes
//   determinism  yes: fixed order, no atomics; grids depend on the shape alone
//   checked by   tests/ops/layer_norm.cpp, tests/emu/layer_norm.cpp
//   measured     not measured
#include "../layer_norm.h"

#include <device/columns.cuh>
#include <device/rows.cuh>
#include <device/workspace.cuh>

namespace lacuna::LACUNA_NS {
namespace {

template <class Team, class T, int N, int V>
__global__ void __launch_bounds__(Team::kThreads)
    norm_forward(T* y, float* stats, const T* x, const float* gamma, const float* beta, float eps,
                 std::int64_t rows, std::int64_t columns) {
  for (std::int64_t row = Team::first_row(); row < rows; row += Team::row_step()) {
    const T* const in = x + row * columns;
    float v[kKept<V>][N], sum = 0.0f, squares = 0.0f;
    each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
      load_vec(v[i], in, j, columns, 0.0f);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) sum += v[i][k];
    });
    const float size = static_cast<float>(columns);
    const float mean = Team::template reduce<Sum>(sum) / size;
    each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
      if (V == 0) load_vec(v[i], in, j, columns, 0.0f);
      if (j >= columns) return;
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) squares += (v[i][k] - mean) * (v[i][k] - mean);
    });
    const float rstd = 1.0f / sqrtf(Team::template reduce<Sum>(squares) / size + eps);
    each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
      if (V == 0) load_vec(v[i], in, j, columns, 0.0f);
      float scale[N], shift[N];
      load_parameter(scale, gamma, j, columns, 1.0f);
      load_parameter(shift, beta, j, columns, 0.0f);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) v[i][k] = (v[i][k] - mean) * rstd * scale[k] + shift[k];
      store_vec(y + row * columns, j, columns, v[i]);
    });
    if (Team::thread() == 0) {
      stats[2 * row] = mean;
      stats[2 * row + 1] = rstd;
    }
  }
}

// A thread's share of dgamma (0) and dbeta (1): in registers, or for rows too long (V = 0) in the block's partial rows.
template <class Team, int N, int V>
struct ParameterSums {
  float sums[2][kKept<V>][N];
  float* partial;  // (2, columns) of this block, or null: not wanted
  std::int64_t columns;

  __device__ ParameterSums(float* partials, std::int64_t columns_)
      : partial(partials ? partials + 2 * blockIdx.x * columns_ : nullptr), columns(columns_) {
    if (V == 0 && !partial) return;
    each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
      LACUNA_UNROLL
      for (int s = 0; s < 2; s++) {
        LACUNA_UNROLL
        for (int k = 0; k < N; k++) sums[s][i][k] = 0.0f;
        if (V == 0) store_vec(partial + s * columns, j, columns, sums[s][i]);
      }
    });
  }
  __device__ void add(int i, std::int64_t j, const float (&dy)[N], const float (&hat)[N]) {
    if (!partial) return;
    LACUNA_UNROLL
    for (int s = 0; s < 2; s++) {
      if (V == 0) load_vec(sums[s][i], partial + s * columns, j, columns, 0.0f);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) sums[s][i][k] += s == 0 ? dy[k] * hat[k] : dy[k];
      if (V == 0) store_vec(partial + s * columns, j, columns, sums[s][i]);
    }
  }
  // Every thread of the block comes here.
  __device__ void finish() const {
    if (V == 0 || !partial) return;
    if constexpr (!std::is_same_v<Team, WarpTeam<kRows>>) {
      each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
        LACUNA_UNROLL
        for (int s = 0; s < 2; s++) store_vec(partial + s * columns, j, columns, sums[s][i]);
      });
    } else {  // the block's warps have the same columns: added up in their order
      float* const shared = dynamic_shared<float>();  // (kRows, columns)
      const int thread = static_cast<int>(threadIdx.y * kWarp + threadIdx.x);
      LACUNA_UNROLL
      for (int s = 0; s < 2; s++) {
        each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
          store_vec(shared + threadIdx.y * columns, j, columns, sums[s][i]);
        });
        __syncthreads();
        for (std::int64_t j = thread; j < columns; j += Team::kThreads) {
          float total = 0.0f;
          for (int w = 0; w < kRows; w++) total += shared[w * columns + j];
          partial[s * columns + j] = total;
        }
        __syncthreads();
      }
    }
  }
  static constexpr int kRows = 8;
};

// dx may be dy: a thread reads what it then writes, and nobody else does.
template <class Team, class T, int N, int V>
__global__ void __launch_bounds__(Team::kThreads)
    norm_backward(T* dx, float* partials, const T* dy, const T* x, const float* stats,
                  const float* gamma, std::int64_t rows, std::int64_t columns) {
  ParameterSums<Team, N, V> parameters(partials, columns);
  float hat[kKept<V>][N], g[kKept<V>][N];
  for (std::int64_t row = Team::first_row(); row < rows; row += Team::row_step()) {
    const float mean = stats[2 * row], rstd = stats[2 * row + 1];
    const auto load = [&](int i, std::int64_t j) {
      load_vec(hat[i], x + row * columns, j, columns, 0.0f);
      load_vec(g[i], dy + row * columns, j, columns, 0.0f);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) hat[i][k] = (hat[i][k] - mean) * rstd;
    };
    const auto weigh = [&](int i, std::int64_t j) {
      float scale[N];
      load_parameter(scale, gamma, j, columns, 1.0f);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) g[i][k] *= scale[k];
    };
    float plain = 0.0f, weighted = 0.0f;
    each_vector<Team, N, V>(columns, load);
    each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
      if (V == 0) load(i, j);
      parameters.add(i, j, g[i], hat[i]);
      weigh(i, j);
      if (j >= columns) return;
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) {
        plain += g[i][k];
        weighted += g[i][k] * hat[i][k];
      }
    });
    const float size = static_cast<float>(columns);
    plain = Team::template reduce<Sum>(plain) / size;
    weighted = Team::template reduce<Sum>(weighted) / size;
    each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
      if (V == 0) {
        load(i, j);
        weigh(i, j);
      }
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) g[i][k] = rstd * (g[i][k] - plain - hat[i][k] * weighted);
      store_vec(dx + row * columns, j, columns, g[i]);
    });
  }
  parameters.finish();
}

// ---- launchers ----

template <class T>
void forward(const LayerNormForward& a, Stream stream) {
  const std::int64_t rows = a.x.dim(0), columns = a.x.dim(1);
  T* const y = a.y.as<T>();
  const T* const x = a.x.as<T>();
  float* const stats = a.stats.as<float>();
  const float *const gamma = a.gamma.as<float>(), *const beta = a.beta.as<float>();
  by_rows<T>(columns, {y, x, gamma, beta}, [&](auto team, auto n, auto v, Extent block) {
    using Team = decltype(team);
    constexpr int N = decltype(n)::value, V = decltype(v)::value;
    launch({.grid = Team::blocks(rows), .block = block, .stream = stream},
           norm_forward<Team, T, N, V>, y, stats, x, gamma, beta, a.eps, rows, columns);
  });
}

template <class T>
void backward(const LayerNormBackward& a, Stream stream) {
  const std::int64_t rows = a.x.dim(0), columns = a.x.dim(1);
  T* const dx = a.dx.as<T>();
  const T *const dy = a.dy.as<T>(), *const x = a.x.as<T>();
  const float *const stats = a.stats.as<float>(), *const gamma = a.gamma.as<float>();
  with_vector_width<T>(columns, {dx, dy, x, gamma}, [&](auto n) {
    constexpr int N =
        decltype(n)::value;  // four arrays in registers: 32 elements of each a lane, 16 a thread
    by_row_length<8, N == 8 ? 4 : 8, 512, N == 1 ? 8 : 16 / N, N>(columns, [&](auto team, auto v,
                                                                               Extent block) {
      using Team = decltype(team);
      constexpr int V = decltype(v)::value;
      const std::int64_t busy = Team::kThreads == 512 ? 512 / block.x : V < 8 ? 8 / V : 1;
      const std::int64_t blocks = std::min(Team::blocks(rows), kMultiprocessors * busy);
      const Workspace<float> partials(a.x.device, a.dgamma ? blocks * 2 * columns : 0);
      const bool warps = block.y > 1;
      launch({.grid = blocks,
              .block = block,
              .shared_bytes = a.dgamma && warps ? 8 * columns * sizeof(float) : 0,
              .stream = stream},
             norm_backward<Team, T, N, V>, dx, partials.data(), dy, x, stats, gamma, rows, columns);
      if (a.dgamma)
        launch_fold_columns(a.dgamma.as<float>(), a.dbeta.as<float>(), partials.data(), blocks,
                            columns, nullptr, stream);
    });
  });
}

}  // namespace

void layer_norm_forward(const LayerNormForward& a, Stream stream) {
  a.x.dtype == Dtype::bf16 ? forward<bf16>(a, stream) : forward<float>(a, stream);
}
void layer_norm_backward(const LayerNormBackward& a, Stream stream) {
  a.x.dtype == Dtype::bf16 ? backward<bf16>(a, stream) : backward<float>(a, stream);
}

}  // namespace lacuna::LACUNA_NS
