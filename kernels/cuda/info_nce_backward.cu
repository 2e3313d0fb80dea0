// InfoNCE, backward, without the matrix of scores
//   math         kernels/info_nce.h: scores and g are made again, tile by tile; da = g b, db = g^T a; (g + g^T) a where a = b
//   shapes       rows (m, D), columns (M, D) contiguous, f32 or bf16; lse, dloss (m) f32
//   traffic      per tile of 64 x 64 scores, both sides' lines from L2, the second side's twice, and all of it once per 128
//                columns of the result
//   launch       4 warps a tile of 64 lines and 128 columns of the result, as forward. db is a pass of its own with the
//                roles exchanged; where a = b one pass gives the sum of both
//   numerics     as forward; g is rounded to the operands' type for its product
//   determinism  yes: fixed order, no atomics
//   checked by   tests/ops/info_nce.cpp, tests/ops/precision.cpp
//   measured     not measured
#include "info_nce.cuh"

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kGroup = 128;  // columns of a gradient that a block keeps in registers

// What 64 rows of scores need for their g.
struct TileRowFacts {
  float lse[kTileRows], weight[kTileRows];  // lse in powers of 2
  int positive[kTileRows];

  __device__ __forceinline__ void read(int first, const float* all_lse, const float* dloss,
                                       const InfoNceProblem& p) {
    if (threadIdx.x >= kTileRows) return;
    const int at = static_cast<int>(threadIdx.x), i = first + at;
    const bool inside = i < p.rows;
    lse[at] = inside ? all_lse[i] * kLog2E : 0;
    weight[at] = inside ? dloss[i] * p.inverse : 0;
    positive[at] = inside ? p.positive_of(i) : -1;
  }
  __device__ __forceinline__ float gradient(int at, int column, float score) const {
    return weight[at] * (exp2f(score - lse[at]) - (column == positive[at] ? 1.0f : 0.0f));
  }
};

// out = g y for 64 lines of x and up to 128 columns of the result, where x are the rows and y the columns; with InfoNceSide::columns
// the other way round, out = g^T y; with InfoNceSide::both x and y are the same and out = (g + g^T) y. partial (parts, lines, depth)
// takes the result where there are several parts.
template <class Shape, InfoNceSide kSide, class T = typename Shape::T>
__global__ void __launch_bounds__(kTileThreads)
    backward_tile(T* out, float* partial, Rows<const T> x, Rows<const T> y, const float* lse,
                  const float* dloss, InfoNceProblem p) {
  constexpr int kProducts = kGroup / Shape::D;
  LACUNA_STAGES(room, Shape);
  LACUNA_SHARED(TileRowFacts, facts, [2]);
  TileRowFacts &of_x = facts[0], &of_y = facts[1];  // as rows of scores
  const int lines = kSide == InfoNceSide::columns ? p.columns : p.rows;
  const int others = kSide == InfoNceSide::columns ? p.rows : p.columns;
  const int tiles = (lines + kTileRows - 1) / kTileRows;
  const int part = static_cast<int>(blockIdx.x) / tiles;
  const int x0 = static_cast<int>(blockIdx.x) % tiles * kTileRows;
  const int d0 = static_cast<int>(blockIdx.y) * kGroup;
  const Lane at;
  float sums[kProducts][Shape::D / 8][4] = {};
  Stages<Shape> stages{reinterpret_cast<T*>(room), p.depth, {}};
  // A tile of y takes `chunks` steps for the scores, and one for each product with g.
  const int chunks = p.chunks(Shape::D), left = (p.depth - d0 + Shape::D - 1) / Shape::D;
  const int a_tile = chunks + (left < kProducts ? left : kProducts);
  const int begin = p.begin(part), steps = p.tiles(part, others) * a_tile;
  const auto start = [&](int step) {
    if (step >= steps) return;
    const int of_tile = step % a_tile;
    const int k = of_tile < chunks ? of_tile * Shape::D : d0 + (of_tile - chunks) * Shape::D;
    if (of_tile < chunks) stages.start(stages.x(step), x, x0, lines, k);
    stages.start(stages.y(step), y, begin + step / a_tile * kTileRows, others, k);
  };
  start(0);
  for (int step = 0; step < steps;) {
    const int y0 = begin + step / a_tile * kTileRows;
    // Those of the last tile are no longer read: there was a barrier since, before a product.
    if (kSide != InfoNceSide::columns && step == 0) of_x.read(x0, lse, dloss, p);
    if (kSide != InfoNceSide::rows) of_y.read(y0, lse, dloss, p);
    float g[kTileRows / 8][4] = {};
    for (int c = 0; c < chunks; c++, step++) {
      stages.arrive();
      start(step + 1);
      scores<Shape, kTileRows>(g, stages.x(step), stages.y(step), at);
    }
    LACUNA_UNROLL
    for (int j = 0; j < kTileRows / 8; j++) {
      __syncwarp();  // or all of the facts would be read at once, into more registers than there are
      LACUNA_UNROLL
      for (int e = 0; e < 4; e++) {
        const int r = at.row(e), q = at.column(j, e), here = x0 + r, there = y0 + q;
        const float score = g[j][e] * p.scale;
        float value = 0;
        if (kSide != InfoNceSide::columns) value += of_x.gradient(r, there, score);
        if (kSide != InfoNceSide::rows) value += of_y.gradient(q, here, score);
        const bool inside =
            here < lines && there < others &&
            (kSide == InfoNceSide::columns ? here != p.own(there) : there != p.own(here));
        g[j][e] = inside ? value : 0.0f;
      }
    }
    LACUNA_UNROLL
    for (int c = 0; c < kProducts; c++) {
      if (chunks + c >= a_tile) continue;  // the whole block
      stages.arrive();
      start(step + 1);
      accumulate<Shape, kTileRows>(sums[c], g, stages.y(step), at);
      step++;
    }
  }
  LACUNA_UNROLL
  for (int c = 0; c < kProducts; c++) LACUNA_UNROLL
  for (int n = 0; n < Shape::D / 8; n++) LACUNA_UNROLL
  for (int e = 0; e < 4; e++) {
    const int line = x0 + at.row(e), d = d0 + c * Shape::D + at.column(n, e);
    if (line >= lines || d >= p.depth) continue;
    const float v = sums[c][n][e];
    if (partial)
      partial[(std::int64_t{part} * lines + line) * p.depth + d] = v;
    else
      out[std::int64_t{line} * p.depth + d] = T(v);
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

template <class Shape, InfoNceSide kSide>
void backward(const InfoNceBackward& a, Stream stream) {
  using T = typename Shape::T;
  InfoNceProblem p = problem_of(a);
  const Array &x = kSide == InfoNceSide::columns ? a.columns : a.rows,
              &y = kSide == InfoNceSide::columns ? a.rows : a.columns;
  const Array& out = a.gradient(kSide);
  const std::int64_t tiles = ceil_div(x.dim(0), kTileRows), groups = ceil_div(p.depth, kGroup);
  const int parts = share_out(p, tiles * groups, static_cast<int>(y.dim(0)));
  const Workspace<float> partial(a.rows.device, parts > 1 ? parts * x.size() : 0);
  launch({.grid = {tiles * parts, groups}, .block = kTileThreads, .stream = stream},
         backward_tile<Shape, kSide>, out.as<T>(), partial.data(), rows_of<T>(x), rows_of<T>(y),
         a.lse.as<float>(), a.dloss.as<float>(), p);
  if (partial.data())
    launch({.grid = ceil_div(x.size(), 256), .block = 256, .stream = stream, .barriers = false},
           join_gradients<T>, out.as<T>(), partial.data(), x.size(), parts);
}

}  // namespace

void info_nce_backward(const InfoNceBackward& a, Stream stream) {
  with_math(a.rows.dtype, [&](auto math) {
    using Shape = PairShape<decltype(math)::value>;
    if (a.drows) backward<Shape, InfoNceSide::rows>(a, stream);
    if (a.dcolumns) backward<Shape, InfoNceSide::columns>(a, stream);
    if (a.dboth) backward<Shape, InfoNceSide::both>(a, stream);
  });
}

}  // namespace lacuna::LACUNA_NS
