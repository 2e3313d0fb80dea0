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
//   symmetry     where a = b, and partial sums cost no more than 2 M D floats: a block a tile of the upper triangle, whose
//                columns are rows of the lower one
//   checked by   tests/ops/info_nce.cpp, tests/ops/precision.cpp
//   measured     not measured
#include "info_nce.cuh"

namespace lacuna::LACUNA_NS {
namespace {

// Over the eight lanes, and both their rows, that have a column of a warp's scores.
template <class Op>
__device__ __forceinline__ float reduce_column(float v) {
  LACUNA_UNROLL
  for (int d = 4; d < kWarp; d *= 2) v = Op::apply(v, __shfl_xor_sync(kAllLanes, v, d));
  return v;
}

using ColumnStats = float[kTileRows][2];  // the maximum and the sum of 2^(s - maximum)

/// What forward_tile finds out about rows, of a tile's columns: `to` (left, 2). `warps` is shared, one for each.
__device__ __forceinline__ void column_stats(const float (&s)[kTileRows / 8][4], float unit,
                                             ColumnStats* warps, float* to, int left) {
  const Lane at;
  LACUNA_UNROLL
  for (int j = 0; j < kTileRows / 8; j++) LACUNA_UNROLL
  for (int e = 0; e < 2; e++) {
    const float max = reduce_column<Max>(fmaxf(s[j][e], s[j][e + 2])) * unit;
    const float shift = RunningSoftmax::shift_of(max);
    const float sum = reduce_column<Sum>(exp2f(fmaf(s[j][e], unit, -shift)) +
                                         exp2f(fmaf(s[j][e + 2], unit, -shift)));
    if (at.g != 0) continue;
    float* const one = warps[threadIdx.x / kWarp][at.column(j, e)];
    one[0] = max;
    one[1] = sum;
  }
  __syncthreads();
  const int column = static_cast<int>(threadIdx.x);
  if (column >= kTileRows || column >= left) return;
  constexpr int kWarps = kTileThreads / kWarp;
  float max = -INFINITY, sum = 0;
  for (int w = 0; w < kWarps; w++) max = fmaxf(max, warps[w][column][0]);
  for (int w = 0; w < kWarps; w++)
    sum += warps[w][column][1] * exp2f(warps[w][column][0] - RunningSoftmax::shift_of(max));
  to[2 * column] = max;
  to[2 * column + 1] = sum;
}

// Of a block's part of the columns, and its rows. With kSymmetric block b is tile (row, part) of the triangle row <= part.
struct TilePart {
  int part, row;
  __device__ TilePart(int block, int tiles, bool symmetric)
      : part(block / tiles), row(block % tiles) {
    if (!symmetric) return;
    const auto before = [](int n) {
      return std::int64_t{n} * (n + 1) / 2;
    };  // tiles of parts below n
    part = static_cast<int>((sqrtf(8.0f * static_cast<float>(block) + 1) - 1) / 2);
    while (before(part) > block) part--;
    while (before(part + 1) <= block) part++;
    row = static_cast<int>(block - before(part));
  }
};

// stats (parts, m, 2): the maximum of a part's columns, and the sum of 2^(s - maximum). hits (m): the positives' scores.
template <class Shape, bool kSymmetric, class T = typename Shape::T>
__global__ void __launch_bounds__(kTileThreads)
    forward_tile(float* stats, float* hits, Rows<const T> a, Rows<const T> b, InfoNceProblem p) {
  LACUNA_STAGES(room, Shape);
  const int tiles = (p.rows + kTileRows - 1) / kTileRows;
  const TilePart tile(static_cast<int>(blockIdx.x), tiles, kSymmetric);
  const int part = tile.part, a0 = tile.row * kTileRows;
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
      if (kSymmetric && column < p.columns && p.positive_of(column) == row[r / 2])
        hits[column] = s[j][r] * p.scale;
      if (column >= p.columns || column == own[r / 2] || (kSymmetric && row[r / 2] >= p.rows))
        s[j][r] = -INFINITY;
    }
    if constexpr (kSymmetric) {
      LACUNA_SHARED(ColumnStats, warps, [kTileThreads / kWarp]);
      if (tile.row != part)
        column_stats(s, p.scale, warps,
                     stats + 2 * (std::int64_t{tile.row} * p.rows + part * kTileRows),
                     p.rows - part * kTileRows);
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
  const bool symmetric = p.self == 0 && a.rows.data == a.columns.data && p.rows == p.columns &&
                         tiles > 1 && tiles <= p.depth;
  int parts = share_out(p, tiles, p.columns);
  if (symmetric) {
    parts = static_cast<int>(tiles);
    p.tiles_a_part = 1;
  }
  const Workspace<float> stats(a.rows.device, std::int64_t{2} * parts * p.rows);
  const Workspace<float> hits(a.rows.device, p.rows);
  launch({.grid = symmetric ? tiles * (tiles + 1) / 2 : tiles * parts,
          .block = kTileThreads,
          .stream = stream},
         symmetric ? forward_tile<Shape, true> : forward_tile<Shape, false>, stats.data(),
         hits.data(), rows_of<T>(a.rows), rows_of<T>(a.columns), p);
  launch({.grid = ceil_div(p.rows, 256), .block = 256, .stream = stream, .barriers = false},
         join_stats, a.loss.as<float>(), a.lse.as<float>(), stats.data(), hits.data(), p, parts);
}

}  // namespace

void info_nce_forward(const InfoNceForward& a, Stream stream) {
  with_math(a.rows.dtype, [&](auto math) { forward<PairShape<decltype(math)::value>>(a, stream); });
}

}  // namespace lacuna::LACUNA_NS
