// InfoNCE, forward and backward, without the matrix of scores
//   math         kernels/info_nce.h; in powers of 2: 2^(s log2(e) / tau)
//   shapes       rows (m, D), columns (M, D) contiguous, f32 or bf16; positive i64; loss, lse, dloss f32
//   traffic      per tile of 64 x 64 scores, both sides' lines from L2 (backward: the second side's twice, and all of it once
//                per 128 columns of the result). Never the scores: memory is O((m + M) D)
//   launch       128 threads a tile of 64 rows, which walks over the columns; where there are fewer than two blocks a
//                multiprocessor the columns are shared out, and a second kernel joins the parts
//   numerics     tensor cores (device/fragment.cuh): f32 as 3xTF32, tf32, bf16; f32 sums. A running maximum, so that any tau
//                works; log sum exp is kept apart from the maximum until the end. In bf16 g is rounded for its product
//   determinism  yes: fixed order, no atomics; g^T a is a pass of its own with the roles exchanged
//   left out     where a = b the scores are symmetric, and half of them would do
//   checked by   tests/ops/info_nce.cpp, tests/ops/precision.cpp
//   measured     not measured
#include "../info_nce.h"

#include <device/fragment.cuh>
#include <device/reduce.cuh>
#include <device/workspace.cuh>

#include "gemm.cuh"

namespace lacuna::LACUNA_NS {
namespace {

constexpr float kLog2E = 1.44269504088896f, kLn2 = 0.693147180559945f;
constexpr int kGroup = 128;  // columns of a gradient that a block keeps in registers

struct Problem {
  int rows, columns, depth, self;
  const std::int64_t* positive;
  float scale, inverse;  // log2(e) / tau, 1 / tau
  int tiles_a_part;

  /// Row i's own column, or -1.
  __device__ int own(int i) const { return self < 0 ? -1 : self + i; }
  /// Row i's positive, or -1 where that is no column or the row's own.
  __device__ int positive_of(int i) const {
    const std::int64_t j = positive[i];
    return j >= 0 && j < columns && j != own(i) ? static_cast<int>(j) : -1;
  }
};

// What is subtracted before exp2: not -inf - (-inf), which would be NaN, where all columns so far are left out.
__device__ inline float shift_of(float max) { return max == -INFINITY ? 0.0f : max; }

// Over the four lanes that have the columns of a row.
template <class Op>
__device__ __forceinline__ float reduce_row(float v) {
  LACUNA_UNROLL
  for (int d = 1; d < 4; d *= 2) v = Op::apply(v, __shfl_xor_sync(kAllLanes, v, d));
  return v;
}

// stats (parts, m, 2): the maximum of a part's columns, and the sum of 2^(s - maximum). hits (m): the positives' scores.
template <Math kMath, bool kWide>
__global__ void __launch_bounds__(kTileThreads)
    forward_tile(float* stats, float* hits, const Element<kMath>* a, const Element<kMath>* b,
                 Problem p) {
  LACUNA_SHARED_LINES(a_room);
  LACUNA_SHARED_LINES(b_room);
  const int tiles = (p.rows + kLines - 1) / kLines;
  const int part = static_cast<int>(blockIdx.x) / tiles;
  const int a0 = static_cast<int>(blockIdx.x) % tiles * kLines;
  int row[2], own[2], positive[2];
  float max[2] = {-INFINITY, -INFINITY}, sum[2] = {};  // of this lane's columns; max of the row's
  LACUNA_UNROLL
  for (int h = 0; h < 2; h++) {
    row[h] = a0 + Scores<kMath>::row(h);
    own[h] = row[h] < p.rows ? p.own(row[h]) : -1;
    positive[h] = row[h] < p.rows ? p.positive_of(row[h]) : -1;
  }
  const int begin = part * p.tiles_a_part * kLines, after = begin + p.tiles_a_part * kLines;
  for (int b0 = begin; b0 < after && b0 < p.columns; b0 += kLines) {
    Scores<kMath> s;
    s.template compute<kWide, true>(a, a0, p.rows, Lines(a_room), b, b0, p.columns, Lines(b_room),
                                    p.depth);
    LACUNA_UNROLL
    for (int h = 0; h < 2; h++) {
      float higher = max[h], more = 0;
      LACUNA_UNROLL
      for (int j = 0; j < kLines / 8; j++) {
        LACUNA_UNROLL
        for (int e = 0; e < 2; e++) {
          float& v = s.c[j][2 * h + e];
          const int column = b0 + s.column(j, e);
          v *= p.scale;
          if (column == positive[h]) hits[row[h]] = v;
          if (column >= p.columns || column == own[h]) v = -INFINITY;
          higher = fmaxf(higher, v);
        }
      }
      higher = reduce_row<Max>(higher);
      const float shift = shift_of(higher);
      LACUNA_UNROLL
      for (int j = 0; j < kLines / 8; j++) LACUNA_UNROLL
      for (int e = 0; e < 2; e++) more += exp2f(s.c[j][2 * h + e] - shift);
      sum[h] = sum[h] * exp2f(max[h] - shift) + more;
      max[h] = higher;
    }
  }
  LACUNA_UNROLL
  for (int h = 0; h < 2; h++) {
    const float total = reduce_row<Sum>(sum[h]);
    if (threadIdx.x % 4 != 0 || row[h] >= p.rows) continue;
    float* const to = stats + 2 * (std::int64_t{part} * p.rows + row[h]);
    to[0] = max[h];
    to[1] = total;
  }
}

__global__ void __launch_bounds__(256) join_stats(float* loss, float* lse, const float* stats,
                                                  const float* hits, Problem p, int parts) {
  const int row = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (row >= p.rows) return;
  float max = -INFINITY, sum = 0;
  for (int q = 0; q < parts; q++) max = fmaxf(max, stats[2 * (std::int64_t{q} * p.rows + row)]);
  for (int q = 0; q < parts; q++) {
    const float* const s = stats + 2 * (std::int64_t{q} * p.rows + row);
    sum += s[1] * exp2f(s[0] - shift_of(max));
  }
  const float log_sum = log2f(sum);
  lse[row] = (max + log_sum) * kLn2;
  loss[row] = p.positive_of(row) < 0 ? NAN : (log_sum - (hits[row] - max)) * kLn2;
}

// out = g y for 64 lines of x and up to 128 columns of the result, where x are the rows and y the columns; with kOfColumns
// the other way round, out = g^T y. partial (parts, lines, depth) takes the result where there are several parts.
template <Math kMath, bool kWide, bool kOfColumns>
__global__ void __launch_bounds__(kTileThreads)
    backward_tile(Element<kMath>* out, float* partial, const Element<kMath>* x,
                  const Element<kMath>* y, const float* lse, const float* dloss, Problem p) {
  constexpr int kChunks = kGroup / kDepth<kMath>;
  LACUNA_SHARED_LINES(x_room);
  LACUNA_SHARED_LINES(y_room);
  LACUNA_SHARED(float, row_lse, [kLines]);  // of the tile's rows of scores, in powers of 2
  LACUNA_SHARED(float, row_weight, [kLines]);
  LACUNA_SHARED(int, row_positive, [kLines]);
  const int lines = kOfColumns ? p.columns : p.rows, others = kOfColumns ? p.rows : p.columns;
  const int tiles = (lines + kLines - 1) / kLines;
  const int part = static_cast<int>(blockIdx.x) / tiles;
  const int x0 = static_cast<int>(blockIdx.x) % tiles * kLines;
  const int d0 = static_cast<int>(blockIdx.y) * kGroup;
  const int begin = part * p.tiles_a_part * kLines, after = begin + p.tiles_a_part * kLines;
  float sums[kChunks][kDepth<kMath> / 8][4] = {};
  for (int y0 = begin; y0 < after && y0 < others; y0 += kLines) {
    // The last tile's are no longer read: there was a barrier since, as depth > 0.
    if ((kOfColumns || y0 == begin) && threadIdx.x < kLines) {
      const int at = static_cast<int>(threadIdx.x), i = (kOfColumns ? y0 : x0) + at;
      const bool inside = i < p.rows;
      row_lse[at] = inside ? lse[i] * kLog2E : 0;
      row_weight[at] = inside ? dloss[i] * p.inverse : 0;
      row_positive[at] = inside ? p.positive_of(i) : -1;
    }
    Scores<kMath> g;
    g.template compute<kWide, false>(x, x0, lines, Lines(x_room), y, y0, others, Lines(y_room),
                                     p.depth);
    LACUNA_UNROLL
    for (int j = 0; j < kLines / 8; j++) {
      LACUNA_UNROLL
      for (int e = 0; e < 4; e++) {
        const int r = g.row(e / 2), q = g.column(j, e % 2), at = kOfColumns ? q : r;
        const int row = (kOfColumns ? y0 : x0) + at, column = (kOfColumns ? x0 + r : y0 + q);
        const float share = exp2f(g.c[j][e] * p.scale - row_lse[at]);
        const float value = row_weight[at] * (share - (column == row_positive[at] ? 1.0f : 0.0f));
        const bool inside = row < p.rows && column < p.columns && column != p.own(row);
        g.c[j][e] = inside ? value : 0.0f;
      }
    }
    LACUNA_UNROLL
    for (int c = 0; c < kChunks; c++) {
      const int k = d0 + c * kDepth<kMath>;
      if (k >= p.depth) continue;  // the whole block
      Fetch<kMath, kWide> next;
      next.load(y, y0, others, p.depth, k);
      __syncthreads();
      next.store(Lines(y_room));
      __syncthreads();
      g.multiply_into(sums[c], Lines(y_room));
    }
  }
  LACUNA_UNROLL
  for (int c = 0; c < kChunks; c++) {
    LACUNA_UNROLL
    for (int n = 0; n < kDepth<kMath> / 8; n++) {
      LACUNA_UNROLL
      for (int e = 0; e < 4; e++) {
        const int line = x0 + Scores<kMath>::row(e / 2);
        const int d = d0 + c * kDepth<kMath> + Scores<kMath>::column(n, e % 2);
        if (line >= lines || d >= p.depth) continue;
        const float v = sums[c][n][e];
        if (partial)
          partial[(std::int64_t{part} * lines + line) * p.depth + d] = v;
        else
          out[std::int64_t{line} * p.depth + d] = Element<kMath>(v);
      }
    }
  }
}

template <class T>
__global__ void __launch_bounds__(256)
    join_gradients(T* out, const float* partial, std::int64_t size, int parts) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= size) return;
  float sum = 0;
  for (int q = 0; q < parts; q++) sum += partial[q * size + i];
  out[i] = T(sum);
}

// ---- launchers ----

template <class Args>
Problem problem_of(const Args& a) {
  const GemmSizes size = gemm_sizes(Args::op, a.rows.dim(0), a.columns.dim(0), a.rows.dim(1));
  Problem p;
  p.rows = size.m;
  p.columns = size.n;
  p.depth = size.k;
  p.self = static_cast<int>(a.self);
  p.positive = a.positive.template as<std::int64_t>();
  p.scale = static_cast<float>(1.4426950408889634 / a.temperature);
  p.inverse = static_cast<float>(1 / a.temperature);
  return p;
}

// Shares `others` out over parts where `blocks` are fewer than two a multiprocessor; returns their number.
int share_out(Problem& p, std::int64_t blocks, int others) {
  const auto tiles = std::max<std::int64_t>(ceil_div(others, kLines), 1);
  const auto wanted =
      std::clamp<std::int64_t>(2 * kMultiprocessors / std::max<std::int64_t>(blocks, 1), 1, tiles);
  p.tiles_a_part = static_cast<int>(ceil_div(tiles, wanted));
  return static_cast<int>(ceil_div(tiles, p.tiles_a_part));
}

template <Math kMath, bool kWide>
void forward(const InfoNceForward& a, Stream stream) {
  using T = Element<kMath>;
  Problem p = problem_of(a);
  const std::int64_t tiles = ceil_div(p.rows, kLines);
  const int parts = share_out(p, tiles, p.columns);
  const Workspace<float> stats(a.rows.device, std::int64_t{2} * parts * p.rows);
  const Workspace<float> hits(a.rows.device, p.rows);
  launch({.grid = tiles * parts, .block = kTileThreads, .stream = stream},
         forward_tile<kMath, kWide>, stats.data(), hits.data(), a.rows.as<T>(), a.columns.as<T>(),
         p);
  launch({.grid = ceil_div(p.rows, 256), .block = 256, .stream = stream, .barriers = false},
         join_stats, a.loss.as<float>(), a.lse.as<float>(), stats.data(), hits.data(), p, parts);
}

template <Math kMath, bool kWide, bool kOfColumns>
void backward(const InfoNceBackward& a, Stream stream) {
  using T = Element<kMath>;
  Problem p = problem_of(a);
  const Array &x = kOfColumns ? a.columns : a.rows, &y = kOfColumns ? a.rows : a.columns;
  T* const out = (kOfColumns ? a.dcolumns : a.drows).as<T>();
  const std::int64_t tiles = ceil_div(x.dim(0), kLines), groups = ceil_div(p.depth, kGroup);
  const int parts = share_out(p, tiles * groups, static_cast<int>(y.dim(0)));
  const Workspace<float> partial(a.rows.device, parts > 1 ? parts * x.size() : 0);
  launch({.grid = {tiles * parts, groups}, .block = kTileThreads, .stream = stream},
         backward_tile<kMath, kWide, kOfColumns>, out, partial.data(), x.as<T>(), y.as<T>(),
         a.lse.as<float>(), a.dloss.as<float>(), p);
  if (partial.data())
    launch({.grid = ceil_div(x.size(), 256), .block = 256, .stream = stream, .barriers = false},
           join_gradients<T>, out, partial.data(), x.size(), parts);
}

// Calls f(math, wide) with what the arrays allow.
template <class Args, class F>
void with_form(const Args& a, F&& f) {
  with_math(a.rows.dtype, [&](auto math) {
    using T = Element<decltype(math)::value>;
    with_vector_width<T>(a.rows.dim(1), {a.rows.data, a.columns.data},
                         [&](auto n) { f(math, std::bool_constant<(decltype(n)::value > 1)>{}); });
  });
}

}  // namespace

void info_nce_forward(const InfoNceForward& a, Stream stream) {
  with_form(a, [&](auto math, auto wide) {
    forward<decltype(math)::value, decltype(wide)::value>(a, stream);
  });
}

void info_nce_backward(const InfoNceBackward& a, Stream stream) {
  with_form(a, [&](auto math, auto wide) {
    constexpr Math kMath = decltype(math)::value;
    constexpr bool kWide = decltype(wide)::value;
    if (a.drows) backward<kMath, kWide, false>(a, stream);
    if (a.dcolumns) backward<kMath, kWide, true>(a, stream);
  });
}

}  // namespace lacuna::LACUNA_NS
