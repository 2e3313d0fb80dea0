// InfoNCE, forward, without the matrix of scores
//   math         kernels/info_nce.h; in powers of 2: 2^(s log2(e) / tau)
//   shapes       rows (m, D), columns (M, D) contiguous, f32 or bf16; positive i64; loss, lse f32
//   traffic      per tile of 64 x 64 scores, both sides' lines from L2. Never the scores: memory is O(m + M)
//   launch       4 warps a tile of 64 rows, which walks over the columns, 128 bytes of depth at a time: the next ones are on
//                their way while the present ones are multiplied. Where there are fewer than two blocks a multiprocessor the
//                columns are shared out, and a second kernel joins the parts
//   numerics     tensor cores (row_tile.cuh): f32 as 3xTF32, tf32, bf16; f32 sums. A running maximum, so that any tau
//                works; log sum exp is kept apart from the maximum until the end
//   determinism  yes: fixed order, no atomics
//   left out     where a = b the scores are symmetric, and half of them would do
//   checked by   tests/ops/info_nce.cpp, tests/ops/precision.cpp
//   measured     not measured
#include "info_nce.cuh"

namespace lacuna::LACUNA_NS {
namespace {

// stats (parts, m, 2): the maximum of a part's columns, and the sum of 2^(s - maximum). hits (m): the positives' scores.
template <class Shape, class T = typename Shape::T>
__global__ void __launch_bounds__(kTileThreads)
    forward_tile(float* stats, float* hits, Rows<const T> a, Rows<const T> b, InfoNceProblem p) {
  LACUNA_STAGES(room, Shape);
  const int tiles = (p.rows + kTileRows - 1) / kTileRows;
  const int part = static_cast<int>(blockIdx.x) / tiles;
  const int a0 = static_cast<int>(blockIdx.x) % tiles * kTileRows;
  const Lane at;
  int row[2], own[2], positive[2];
  LACUNA_UNROLL
  for (int h = 0; h < 2; h++) {
    row[h] = a0 + at.row(2 * h);
    own[h] = row[h] < p.rows ? p.own(row[h]) : -1;
    positive[h] = row[h] < p.rows ? p.positive_of(row[h]) : -1;
  }
  RunningSoftmax softmax;
  float s[kTileRows / 8][4] = {}, rescale[2];
  Stages<Shape> stages{reinterpret_cast<T*>(room), p.depth, {}};
  const int chunks = p.chunks(Shape::D), begin = p.begin(part);
  const int steps = p.tiles(part, p.columns) * chunks;
  const auto start = [&](int step) {
    const int k = step % chunks * Shape::D;
    stages.start(stages.x(step), a, a0, p.rows, k);
    stages.start(stages.y(step), b, begin + step / chunks * kTileRows, p.columns, k);
  };
  if (steps > 0) start(0);
  for (int step = 0; step < steps; step++) {
    stages.arrive();
    if (step + 1 < steps) start(step + 1);
    scores<Shape, kTileRows>(s, stages.x(step), stages.y(step), at);
    if ((step + 1) % chunks != 0) continue;
    LACUNA_UNROLL
    for (int j = 0; j < kTileRows / 8; j++) LACUNA_UNROLL
    for (int r = 0; r < 4; r++) {
      const int column = begin + step / chunks * kTileRows + at.column(j, r);
      if (column == positive[r / 2]) hits[row[r / 2]] = s[j][r] * p.scale;
      if (column >= p.columns || column == own[r / 2]) s[j][r] = -INFINITY;
    }
    softmax.update(s, p.scale, rescale);
    LACUNA_UNROLL
    for (int j = 0; j < kTileRows / 8; j++) LACUNA_UNROLL
    for (int r = 0; r < 4; r++) s[j][r] = 0;
  }
  LACUNA_UNROLL
  for (int h = 0; h < 2; h++) {
    const float total = reduce_row<Sum>(softmax.sum[h]);
    if (at.t != 0 || row[h] >= p.rows) continue;
    float* const to = stats + 2 * (std::int64_t{part} * p.rows + row[h]);
    to[0] = softmax.max[h];
    to[1] = total;
  }
}

__global__ void __launch_bounds__(256) join_stats(float* loss, float* lse, const float* stats,
                                                  const float* hits, InfoNceProblem p, int parts) {
  const int row = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (row >= p.rows) return;
  float max = -INFINITY, sum = 0;
  for (int q = 0; q < parts; q++) max = fmaxf(max, stats[2 * (std::int64_t{q} * p.rows + row)]);
  for (int q = 0; q < parts; q++) {
    const float* const s = stats + 2 * (std::int64_t{q} * p.rows + row);
    sum += s[1] * exp2f(s[0] - RunningSoftmax::shift_of(max));
  }
  const float log_sum = log2f(sum);
  lse[row] = (max + log_sum) * kLn2;
  loss[row] = p.positive_of(row) < 0 ? NAN : (log_sum - (hits[row] - max)) * kLn2;
}

template <class Shape>
void forward(const InfoNceForward& a, Stream stream) {
  using T = typename Shape::T;
  InfoNceProblem p = problem_of(a);
  const std::int64_t tiles = ceil_div(p.rows, kTileRows);
  const int parts = share_out(p, tiles, p.columns);
  const Workspace<float> stats(a.rows.device, std::int64_t{2} * parts * p.rows);
  const Workspace<float> hits(a.rows.device, p.rows);
  launch({.grid = tiles * parts, .block = kTileThreads, .stream = stream}, forward_tile<Shape>,
         stats.data(), hits.data(), rows_of<T>(a.rows), rows_of<T>(a.columns), p);
  launch({.grid = ceil_div(p.rows, 256), .block = 256, .stream = stream, .barriers = false},
         join_stats, a.loss.as<float>(), a.lse.as<float>(), stats.data(), hits.data(), p, parts);
}

}  // namespace

void info_nce_forward(const InfoNceForward& a, Stream stream) {
  with_math(a.rows.dtype, [&](auto math) { forward<PairShape<decltype(math)::value>>(a, stream); });
}

}  // namespace lacuna::LACUNA_NS
