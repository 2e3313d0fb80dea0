// attention, backward
//   math         p = exp(s - lse), ds = p * (drop(dy v^T) - delta), delta = sum over d of dy * y; see ../attention.h
//                dq = scale ds k, dk = scale ds^T q, dv = drop(p)^T dy
//   shapes       as forward
//   traffic      scores are computed again, once for dq and once for dk and dv: 7 products, where forward has 2; q, k, v
//                and dy are read once a tile of 64 rows of the other side, mostly out of L2
//   launch       delta: a warp a query. dq: a block a tile of 64 queries, over tiles of keys. dk and dv: a block a tile of 64
//                keys, over tiles of queries, on s^T = k q^T, so that p^T and ds^T are in registers as the next product
//                wants them. 4 warps; tiles of 64 columns, of 32 (f32: 16) where d is more than 64
//   numerics     as forward; ds is rounded to the operands' type
//   determinism  yes: fixed order, no atomics
//   checked by   tests/ops/attention.cpp, tests/ops/precision.cpp
//   measured     not measured
#include <device/launch.cuh>
#include <device/workspace.cuh>

#include "attention.cuh"

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kRowsPerBlock = 4;

// As many as leave the sums of dk and dv in registers.
template <class Shape>
constexpr int kColumnsOf = Shape::D < 128              ? 64
                           : Shape::kMath == Math::f32 ? 16
                                                       : 32;

// delta of each query.
template <class T>
__global__ void __launch_bounds__(kWarp* kRowsPerBlock)
    delta_kernel(AttentionProblem a, float* delta, Heads<const T> y, Heads<const T> dy) {
  const std::int64_t n = std::int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.y;
  if (n >= std::int64_t{a.samples} * a.heads * a.sq) return;  // the whole warp
  const std::int64_t head = n / a.sq, i = n % a.sq;
  const int sample = static_cast<int>(head / a.heads), h = static_cast<int>(head % a.heads);
  const auto left = y.rows(sample, h), right = dy.rows(sample, h);
  float sum = 0;
  for (int c = threadIdx.x; c < a.d; c += kWarp)
    sum += static_cast<float>(left.p[i * left.stride + c]) *
           static_cast<float>(right.p[i * right.stride + c]);
  sum = warp_reduce<Sum>(sum);
  if (threadIdx.x == 0) delta[n] = sum;
}

// What p of a query is made with: 2^(unit s - shift). A query that sees nothing gets p = 0.
__device__ __forceinline__ float shift_of(float lse) {
  return lse == -INFINITY ? INFINITY : lse * kLog2E;
}

template <class Shape, class T = typename Shape::T>
__global__ void __launch_bounds__(kTileThreads)
    dq_kernel(AttentionProblem a, Heads<T> dq, Heads<const T> q, Heads<const T> k, Heads<const T> v,
              Heads<const T> dy, const float* lse, const float* delta) {
  constexpr int kKeys = kColumnsOf<Shape>;
  T* const q_tile = dynamic_shared<T>();
  T* const dy_tile = q_tile + kTileRows * Shape::kPitch;
  T* const k_tile = dy_tile + kTileRows * Shape::kPitch;
  T* const v_tile = k_tile + kKeys * Shape::kPitch;
  const AttentionPlace place(a, a.sq);
  const Lane at;
  const auto keys = k.rows(place.sample, place.head), values = v.rows(place.sample, place.head);
  const ColumnTiles<kKeys> tiles(a, place, false);
  const int length = tiles.band.columns;
  float shift[2], mean[2];
  LACUNA_UNROLL
  for (int row = 0; row < 2; row++) {
    const int i = place.first + at.row(2 * row);
    const std::int64_t n = (std::int64_t{place.sample} * a.heads + place.head) * a.sq + i;
    shift[row] = i < place.end ? shift_of(lse[n]) : INFINITY;
    mean[row] = i < place.end ? delta[n] : 0.0f;
  }

  float sum[Shape::D / 8][4] = {};
  AsyncCopies copies;
  int c = tiles.next(tiles.begin);
  if (c < tiles.end) {
    load_tile<Shape, kTileRows>(copies, q_tile, q.rows(place.sample, place.head), place.first,
                                place.end, a.d);
    load_tile<Shape, kTileRows>(copies, dy_tile, dy.rows(place.sample, place.head), place.first,
                                place.end, a.d);
    load_tile<Shape, kKeys>(copies, v_tile, values, c, length, a.d);
  }
  while (c < tiles.end) {
    copies.wait();
    __syncthreads();  // this v is there, and the last k is not needed any more
    load_tile<Shape, kKeys>(copies, k_tile, keys, c, length, a.d);
    const unsigned keep = kept<kKeys, false>(a, place, c, at);
    float s[kKeys / 8][4] = {}, ds[kKeys / 8][4] = {};
    scores<Shape, kKeys>(ds, dy_tile, v_tile, at);
    copies.wait();
    __syncthreads();  // this k is there, and this v is not needed any more
    const int next = tiles.next(c + kKeys);
    if (next < tiles.end) load_tile<Shape, kKeys>(copies, v_tile, values, next, length, a.d);
    scores<Shape, kKeys>(s, q_tile, k_tile, at);
    if (!tiles.full(c)) hide<kKeys>(s, tiles.band, place.first, c, at);
    LACUNA_UNROLL
    for (int j = 0; j < kKeys / 8; j++) LACUNA_UNROLL
    for (int r = 0; r < 4; r++) {
      const float p = exp2f(fmaf(s[j][r], a.scale * kLog2E, -shift[r / 2]));
      const float dp = keep >> (4 * j + r) & 1 ? ds[j][r] * a.keep_scale : 0.0f;
      ds[j][r] = p * (dp - mean[r / 2]);
    }
    accumulate<Shape, kKeys>(sum, ds, k_tile, at);
    c = next;
  }
  store_rows<Shape>(dq.rows(place.sample, place.head), place.first, place.end, a.d, sum,
                    {a.scale, a.scale}, at);
}

// Rows are keys, columns queries.
template <class Shape, class T = typename Shape::T>
__global__ void __launch_bounds__(kTileThreads)
    dk_dv_kernel(AttentionProblem a, Heads<T> dk, Heads<T> dv, Heads<const T> q, Heads<const T> k,
                 Heads<const T> v, Heads<const T> dy, const float* lse, const float* delta) {
  constexpr int kQueries = kColumnsOf<Shape>;
  LACUNA_SHARED(float, shift, [kQueries]);
  LACUNA_SHARED(float, mean, [kQueries]);
  T* const k_tile = dynamic_shared<T>();
  T* const v_tile = k_tile + kTileRows * Shape::kPitch;
  T* const q_tile = v_tile + kTileRows * Shape::kPitch;
  T* const dy_tile = q_tile + kQueries * Shape::kPitch;
  const AttentionPlace place(a, a.sk);
  const Lane at;
  const auto queries = q.rows(place.sample, place.head),
             upstream = dy.rows(place.sample, place.head);
  const ColumnTiles<kQueries> tiles(a, place, true);
  const int length = tiles.band.rows < place.end ? tiles.band.rows : place.end;
  lse += (std::int64_t{place.sample} * a.heads + place.head) * a.sq;
  delta += (std::int64_t{place.sample} * a.heads + place.head) * a.sq;

  float dk_sum[Shape::D / 8][4] = {}, dv_sum[Shape::D / 8][4] = {};
  AsyncCopies copies;
  int c = tiles.next(tiles.begin);
  if (c < tiles.end) {
    load_tile<Shape, kTileRows>(copies, k_tile, k.rows(place.sample, place.head), place.first,
                                length, a.d);
    load_tile<Shape, kTileRows>(copies, v_tile, v.rows(place.sample, place.head), place.first,
                                length, a.d);
  }
  for (; c < tiles.end; c = tiles.next(c + kQueries)) {
    __syncthreads();  // the last tiles are not needed any more
    load_tile<Shape, kQueries>(copies, q_tile, queries, c, a.sq, a.d);
    load_tile<Shape, kQueries>(copies, dy_tile, upstream, c, a.sq, a.d);
    if (threadIdx.x < kQueries) {
      const int i = c + static_cast<int>(threadIdx.x);
      shift[threadIdx.x] = i < a.sq ? shift_of(lse[i]) : INFINITY;
      mean[threadIdx.x] = i < a.sq ? delta[i] : 0.0f;
    }
    const unsigned keep = kept<kQueries, true>(a, place, c, at);
    copies.wait();
    __syncthreads();
    float p[kQueries / 8][4] = {}, ds[kQueries / 8][4] = {};
    scores<Shape, kQueries>(p, k_tile, q_tile, at);
    if (!tiles.full(c)) hide<kQueries>(p, tiles.band, place.first, c, at);
    LACUNA_UNROLL
    for (int j = 0; j < kQueries / 8; j++) LACUNA_UNROLL
    for (int r = 0; r < 4; r++)
      p[j][r] = exp2f(fmaf(p[j][r], a.scale * kLog2E, -shift[at.column(j, r)]));
    scores<Shape, kQueries>(ds, v_tile, dy_tile, at);
    LACUNA_UNROLL
    for (int j = 0; j < kQueries / 8; j++) LACUNA_UNROLL
    for (int r = 0; r < 4; r++) {
      const float factor = keep >> (4 * j + r) & 1 ? a.keep_scale : 0.0f;
      ds[j][r] = p[j][r] * (ds[j][r] * factor - mean[at.column(j, r)]);
      p[j][r] *= factor;
    }
    accumulate<Shape, kQueries>(dv_sum, p, dy_tile, at);
    accumulate<Shape, kQueries>(dk_sum, ds, q_tile, at);
  }
  store_rows<Shape>(dk.rows(place.sample, place.head), place.first, place.end, a.d, dk_sum,
                    {a.scale, a.scale}, at);
  store_rows<Shape>(dv.rows(place.sample, place.head), place.first, place.end, a.d, dv_sum,
                    {1.0f, 1.0f}, at);
}

}  // namespace

void attention_backward(const AttentionBackward& a, Stream stream) {
  const std::int64_t heads = a.q.dim(0) * a.q.dim(1), rows = heads * a.q.dim(2);
  const Workspace<float> delta(a.q.device, rows);
  with_head_shape(a.q, [&](auto shape) {
    using Shape = decltype(shape);
    using T = typename Shape::T;
    const AttentionProblem problem(a);
    const Heads<const T> q(a.q), k(a.k), v(a.v), dy(a.dy);
    const float* const lse = a.lse.as<float>();
    const std::size_t bytes =
        2 * (kTileRows + kColumnsOf<Shape>)*Shape::kPitch * sizeof(T);  // four tiles
    launch(
        {.grid = ceil_div(rows, kRowsPerBlock), .block = {kWarp, kRowsPerBlock}, .stream = stream},
        delta_kernel<T>, problem, delta.data(), Heads<const T>(a.y), dy);
    if (a.dq)
      launch({.grid = heads * ceil_div(a.q.dim(2), kTileRows),
              .block = kTileThreads,
              .shared_bytes = bytes,
              .stream = stream},
             dq_kernel<Shape>, problem, Heads<T>(a.dq), q, k, v, dy, lse, delta.data());
    if (a.dk)
      launch({.grid = heads * ceil_div(a.k.dim(2), kTileRows),
              .block = kTileThreads,
              .shared_bytes = bytes,
              .stream = stream},
             dk_dv_kernel<Shape>, problem, Heads<T>(a.dk), Heads<T>(a.dv), q, k, v, dy, lse,
             delta.data());
  });
}

}  // namespace lacuna::LACUNA_NS
