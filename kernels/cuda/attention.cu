// attention, forward
//   math         y = drop(softmax(scale q k^T + mask)) v and lse = log sum exp; see ../attention.h
//   shapes       (b, h, s, d) with unit stride in d, d <= 128, zero-filled to 32, 64 or 128; f32 (as f32 or tf32) or bf16
//   traffic      q once, y and lse once; k and v once a tile of 64 queries, mostly out of L2; no scores
//   launch       up to 16 queries: attention_split.cu; else one block of 4 warps a tile of 64 queries, over tiles of 64 keys;
//                those that the mask hides are passed over, and only those that it cuts compare indices
//   numerics     f32 sums, running maximum, exp2 with scale log2(e) folded in; p is rounded to the operands' type; in f32
//                each operand is the sum of two tf32 and three of the four products are taken (about 22 bits)
//   determinism  yes: fixed order, no atomics
//   checked by   tests/ops/attention.cpp, tests/ops/precision.cpp
//   measured     not measured
#include "attention.cuh"

#include <device/launch.cuh>

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kKeys = 64;

// Blocks of a multiprocessor that registers are shared out for.
template <class Shape>
constexpr int kBlocksOf = Shape::D == 128 ? 2 : 3;

template <class Shape, class T = typename Shape::T>
__global__ void __launch_bounds__(kTileThreads, kBlocksOf<Shape>)
    attention_kernel(AttentionProblem a, Heads<T> y, float* lse, Heads<const T> q, Heads<const T> k,
                     Heads<const T> v) {
  T* const q_tile = dynamic_shared<T>();
  T* const k_tile = q_tile + kTileRows * Shape::kPitch;
  T* const v_tile = k_tile + kKeys * Shape::kPitch;
  const AttentionPlace place(a, a.sq);
  const Lane at;
  const auto keys = k.rows(place.sample, place.head), values = v.rows(place.sample, place.head);
  const ColumnTiles<kKeys> tiles(a, place, false);

  RunningSoftmax softmax;
  float o[Shape::D / 8][4] = {};
  AsyncCopies copies;
  int c = tiles.next(tiles.begin);
  if (c < tiles.end) {
    load_tile<Shape, kTileRows>(copies, q_tile, q.rows(place.sample, place.head), place.first,
                                place.end, a.d);
    load_tile<Shape, kKeys>(copies, k_tile, keys, c, tiles.band.columns, a.d);
  }
  attend<Shape, kKeys, kKeys>(o, softmax, a, place, tiles, c, 0, q_tile, k_tile, v_tile, keys,
                              values, copies, at);

  float factor[2];
  LACUNA_UNROLL
  for (int row = 0; row < 2; row++) {
    const float sum = reduce_row<Sum>(softmax.sum[row]);
    factor[row] = sum == 0.0f ? 0.0f : a.keep_scale / sum;
    const int i = place.first + at.row(2 * row);
    if (at.t == 0 && i < place.end)
      lse[(std::int64_t{place.sample} * a.heads + place.head) * a.sq + i] =
          sum == 0.0f ? -INFINITY : (softmax.max[row] + log2f(sum)) * kLn2;
  }
  store_rows<Shape>(y.rows(place.sample, place.head), place.first, place.end, a.d, o, factor, at);
}

}  // namespace

void attention_forward(const AttentionForward& a, Stream stream) {
  if (a.q.dim(2) <= kFewQueries) return attention_forward_split(a, stream);
  with_head_shape(a.q, [&](auto shape) {
    using Shape = decltype(shape);
    using T = typename Shape::T;
    launch({.grid = a.q.dim(0) * a.q.dim(1) * ceil_div(a.q.dim(2), kTileRows),
            .block = kTileThreads,
            .shared_bytes = (kTileRows + 2 * kKeys) * Shape::kPitch * sizeof(T),
            .stream = stream},
           attention_kernel<Shape>, AttentionProblem(a), Heads<T>(a.y), a.lse.as<float>(),
           Heads<const T>(a.q), Heads<const T>(a.k), Heads<const T>(a.v));
  });
}

}  // namespace lacuna::LACUNA_NS
