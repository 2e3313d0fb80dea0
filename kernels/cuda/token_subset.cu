// Tokens taken out and put back
//   math         kernels/token_subset.h
//   shapes       tokens (n, m, d) contiguous, f32 or bf16; index (n, m) i64
//   traffic      take: each written token is read once, position as often as L2 does not hold it. Backward of restore: dy is
//                read once, each of its tokens goes to dx or into the sum; 4 bytes a column and chunk of rows for that
//   launch       take: a warp or a block a token (device/rows.cuh), all of its vectors on their way at once. Backward:
//                device/columns.cuh, a thread has 2 or 4 vectors in flight; a second launch adds up the chunks
//   numerics     the sum in f32; token and position are added in f32 and rounded once
//   determinism  yes: fixed order, no atomics
//   checked by   tests/ops/token_subset.cpp, tests/emu/token_subset.cpp
//   measured     not measured
#include "../token_subset.h"

#include <device/columns.cuh>
#include <device/rows.cuh>
#include <device/strided.cuh>
#include <device/workspace.cuh>

namespace lacuna::LACUNA_NS {
namespace {

// Row r of (.., each): which one of the batch, and which token.
struct TokenOf {
  std::int64_t each;
  Divisor by;
  explicit TokenOf(std::int64_t each_)
      : each(each_), by(each_ ? static_cast<std::uint64_t>(each_) : 1) {}
  __device__ std::int64_t batch(std::int64_t r) const { return by.divide(r); }
};

template <class Team, class T, int N, int V>
__global__ void __launch_bounds__(Team::kThreads)
    take_kernel(T* y, const T* x, const std::int64_t* index, const T* fill, const T* position,
                bool of_source, TokenOf of, std::int64_t rows, std::int64_t s,
                std::int64_t columns) {
  for (std::int64_t row = Team::first_row(); row < rows; row += Team::row_step()) {
    const std::int64_t batch = of.batch(row), from = index[row];
    const bool found = from >= 0 && from < s;
    const T* const in = found ? x + (batch * s + from) * columns : fill;
    const std::int64_t place = of_source ? from : row - batch * of.each;
    const T* const add = position && (found || !of_source) ? position + place * columns : nullptr;
    float v[kKept<V>][N];
    const auto load = [&](int i, std::int64_t j) { load_parameter(v[i], in, j, columns, 0.0f); };
    if constexpr (V > 0) each_vector<Team, N, V>(columns, load);
    each_vector<Team, N, V>(columns, [&](int i, std::int64_t j) {
      if (V == 0) load(i, j);
      float p[N];
      load_parameter(p, add, j, columns, 0.0f);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) v[i][k] += p[k];
      store_vec(y + row * columns, j, columns, v[i]);
    });
  }
}

// partial (chunks, columns): the sum over hidden tokens of each chunk; null: not wanted. dx, too, may be null.
template <class T, int N>
__global__ void __launch_bounds__(kColumnThreads)
    restore_backward_kernel(T* dx, float* partial, const T* dy, const std::int64_t* places,
                            TokenOf of, std::int64_t rows, std::int64_t tokens,
                            std::int64_t columns, std::int64_t chunk) {
  constexpr int R = kInFlight<N> / 2;
  LACUNA_SHARED(float, shared, [kColumnThreads * N]);
  const ColumnPlace<N> p(rows, chunk);
  float sum[N], v[R][N];
  std::int64_t place[R];
  LACUNA_UNROLL
  for (int k = 0; k < N; k++) sum[k] = 0.0f;
  for (std::int64_t row = p.first; row < p.end; row += R * p.step) {
    LACUNA_UNROLL
    for (int r = 0; r < R; r++) {
      const std::int64_t at = row + r * p.step;
      place[r] = at < p.end ? places[at] : tokens;  // beyond the last: neither one nor the other
      load_vec(v[r], dy + at * columns, p.j, at < p.end ? columns : 0, 0.0f);
    }
    LACUNA_UNROLL
    for (int r = 0; r < R; r++) {
      if (place[r] < 0) {
        LACUNA_UNROLL
        for (int k = 0; k < N; k++) sum[k] += v[r][k];
      } else if (place[r] < tokens) {
        const std::int64_t to = of.batch(row + r * p.step) * tokens + place[r];
        store_vec(dx + to * columns, p.j, columns, v[r]);
      }
    }
  }
  if (!partial) return;
  fold_block(shared, sum, columns,
             [&](std::int64_t j, float total) { partial[blockIdx.y * columns + j] = total; });
}

// ---- launchers ----

template <class T>
void take(const TakeTokens& a, Stream stream) {
  const std::int64_t m = a.y.dim(1), rows = a.y.dim(0) * m, columns = a.y.dim(2);
  T* const y = a.y.as<T>();
  const T *const x = a.x.as<T>(), *const fill = a.fill.as<T>(),
                 *const position = a.position.as<T>();
  by_rows<T>(columns, {y, x, fill, position}, [&](auto team, auto n, auto v, Extent block) {
    using Team = decltype(team);
    launch({.grid = Team::blocks(rows), .block = block, .stream = stream, .barriers = false},
           take_kernel<Team, T, decltype(n)::value, decltype(v)::value>, y, x,
           a.index.as<std::int64_t>(), fill, position, a.of_source, TokenOf(m), rows, a.x.dim(1),
           columns);
  });
}

template <class T>
void restore_backward(const RestoreTokensBackward& a, Stream stream) {
  T *const dx = a.dx.as<T>(), *const dfill = a.dfill.as<T>();
  const T* const dy = a.dy.as<T>();
  by_columns<T>(a.dy, {dx, dy}, 2, [&](auto n, const ColumnGrid& g) {
    const Workspace<float> partial(a.dy.device, dfill ? g.chunks * g.columns : 0);
    launch({.grid = g.grid(), .block = g.block(), .stream = stream},
           restore_backward_kernel<T, decltype(n)::value>, dx, partial.data(), dy,
           a.places.as<std::int64_t>(), TokenOf(a.dy.dim(1)), g.rows, a.dx ? a.dx.dim(1) : 0,
           g.columns, g.chunk);
    if (dfill)
      launch_fold_columns(dfill, nullptr, partial.data(), g.chunks, g.columns, nullptr, stream);
  });
}

}  // namespace

void take_tokens(const TakeTokens& a, Stream stream) {
  if (a.y.size() == 0) return;
  a.y.dtype == Dtype::bf16 ? take<bf16>(a, stream) : take<float>(a, stream);
}

void restore_tokens_backward(const RestoreTokensBackward& a, Stream stream) {
  a.dy.dtype == Dtype::bf16 ? restore_backward<bf16>(a, stream)
                            : restore_backward<float>(a, stream);
}

}  // namespace lacuna::LACUNA_NS
