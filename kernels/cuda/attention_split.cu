// attention, forward, of few queries beside many keys: what a step of generation asks for
//   math         as attention.cu; the keys are split into chunks, each with a softmax of its own (Dao, Haziza, Massa, Sizov 2023,
//                "Flash-Decoding"): of parts with maxima m, sums z and rows o, y = sum o 2^(m - M) / sum z 2^(m - M), M = max m
//   shapes       as attention.cu, at most 16 queries
//   traffic      k and v once, q once a chunk; of each chunk (queries, d + 2) f32 are written and read
//   launch       one block of 4 warps a head and chunk of keys; chunks are as many as fill the machine. A warp takes all
//                queries and every fourth 16 keys: the warps' parts are joined in shared memory, the chunks' by a second kernel
//   numerics     as attention.cu
//   determinism  yes: chunks depend on the shape alone, parts are joined in order
//   checked by   tests/ops/attention.cpp, tests/ops/precision.cpp
//   measured     not measured
#include <device/launch.cuh>
#include <device/workspace.cuh>

#include "attention.cuh"

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kQueries = kFewQueries, kKeys = 64, kWarps = kTileThreads / kWarp;
constexpr int kShare = kKeys / kWarps;  // keys of a tile that are a warp's
static_assert(kQueries == 16 && kShare == 16);
constexpr std::int64_t kLeastKeys = 128;  // of a chunk

// Chunks of keys, and what they leave: of each head, chunk and query d sums, a maximum (in units of log2) and a sum.
struct Chunks {
  int count, keys;
  float *rows, *stats;
  __device__ std::int64_t at(const AttentionProblem& a, int head, int chunk, int query) const {
    return (std::int64_t{head} * count + chunk) * a.sq + query;
  }
};

// Joins `count` parts of a row: part(i, max, sum, value) gives part i of them.
struct Joined {
  float max = -INFINITY, sum = 0, value = 0;
  template <class Part>
  __device__ Joined(int count, Part part) {
    float top, total, v;
    for (int i = 0; i < count; i++) {
      part(i, top, total, v);
      max = fmaxf(max, top);
    }
    const float shift = RunningSoftmax::shift_of(max);
    for (int i = 0; i < count; i++) {
      part(i, top, total, v);
      const float factor = exp2f(top - shift);
      sum += factor * total;
      value += factor * v;
    }
  }
  __device__ float y(float keep_scale) const {
    return sum == 0.0f ? 0.0f : value * keep_scale / sum;
  }
  __device__ float lse() const { return sum == 0.0f ? -INFINITY : (max + log2f(sum)) * kLn2; }
};

template <class Shape, class T = typename Shape::T>
__global__ void __launch_bounds__(kTileThreads, 2)
    split_kernel(AttentionProblem a, Heads<T> y, float* lse, Heads<const T> q, Heads<const T> k,
                 Heads<const T> v, Chunks chunks) {
  LACUNA_SHARED(float, maxima, [kWarps * kQueries]);
  LACUNA_SHARED(float, totals, [kWarps * kQueries]);
  T* const q_tile = dynamic_shared<T>();
  T* const k_tile = q_tile + kQueries * Shape::kPitch;
  T* const v_tile = k_tile + kKeys * Shape::kPitch;
  const AttentionPlace place(a, a.sq);  // all queries of head blockIdx.x
  const int warp = static_cast<int>(threadIdx.x / kWarp), share = warp * kShare;
  const int chunk = static_cast<int>(blockIdx.y);
  Lane at;
  at.row0 = 0;
  const auto keys = k.rows(place.sample, place.head), values = v.rows(place.sample, place.head);
  ColumnTiles<kKeys> tiles(a, place, false);
  const int begin = chunk * chunks.keys, end = begin + chunks.keys;
  if (tiles.begin < begin) tiles.begin = begin;
  if (tiles.end > end) tiles.end = end;

  RunningSoftmax softmax;
  float o[Shape::D / 8][4] = {};
  AsyncCopies copies;
  int c = tiles.next(tiles.begin);
  if (c < tiles.end) {
    load_tile<Shape, kQueries>(copies, q_tile, q.rows(place.sample, place.head), 0, a.sq, a.d);
    load_tile<Shape, kKeys>(copies, k_tile, keys, c, tiles.band.columns, a.d);
  }
  attend<Shape, kKeys, kShare>(o, softmax, a, place, tiles, c, share, q_tile, k_tile, v_tile, keys,
                               values, copies, at);

  __syncthreads();  // the tiles are not needed any more: the warps' rows take their place
  float* const parts = reinterpret_cast<float*>(k_tile);
  static_assert(2 * kKeys * Shape::kPitch * sizeof(T) >= kWarps * kQueries * Shape::D * 4);
  LACUNA_UNROLL
  for (int r = 0; r < 4; r++) {
    const int row = warp * kQueries + at.row(r);
    LACUNA_UNROLL
    for (int j = 0; j < Shape::D / 8; j++) parts[row * Shape::D + at.column(j, r)] = o[j][r];
    if (r % 2 == 0) {
      const float sum = reduce_row<Sum>(softmax.sum[r / 2]);
      if (at.t == 0) {
        maxima[row] = softmax.max[r / 2];
        totals[row] = sum;
      }
    }
  }
  __syncthreads();
  const auto to = y.rows(place.sample, place.head);
  for (int e = threadIdx.x; e < a.sq * Shape::D; e += kTileThreads) {
    const int i = e / Shape::D, column = e % Shape::D;
    if (column >= a.d) continue;
    const Joined row(kWarps, [&](int w, float& max, float& sum, float& value) {
      max = maxima[w * kQueries + i];
      sum = totals[w * kQueries + i];
      value = parts[(w * kQueries + i) * Shape::D + column];
    });
    if (chunks.count == 1) {
      to.p[i * to.stride + column] = T(row.y(a.keep_scale));
      if (column == 0) lse[std::int64_t{blockIdx.x} * a.sq + i] = row.lse();
    } else {
      const std::int64_t place_of = chunks.at(a, static_cast<int>(blockIdx.x), chunk, i);
      chunks.rows[place_of * a.d + column] = row.value;
      if (column == 0) {
        chunks.stats[2 * place_of] = row.max;
        chunks.stats[2 * place_of + 1] = row.sum;
      }
    }
  }
}

// A block a query, a thread a column.
template <class T>
__global__ void __launch_bounds__(kMaxAttentionDepth)
    join_kernel(AttentionProblem a, Heads<T> y, float* lse, Chunks chunks) {
  const int query = static_cast<int>(blockIdx.x % a.sq), head = static_cast<int>(blockIdx.x / a.sq);
  const int column = static_cast<int>(threadIdx.x);
  if (column >= a.d) return;
  const Joined row(chunks.count, [&](int chunk, float& max, float& sum, float& value) {
    const std::int64_t at = chunks.at(a, head, chunk, query);
    max = chunks.stats[2 * at];
    sum = chunks.stats[2 * at + 1];
    value = chunks.rows[at * a.d + column];
  });
  const auto to = y.rows(head / a.heads, head % a.heads);
  to.p[query * to.stride + column] = T(row.y(a.keep_scale));
  if (column == 0) lse[blockIdx.x] = row.lse();
}

}  // namespace

void attention_forward_split(const AttentionForward& a, Stream stream) {
  const std::int64_t heads = a.q.dim(0) * a.q.dim(1), sq = a.q.dim(2), sk = a.k.dim(2);
  if (heads == 0 || sq == 0) return;
  // Three blocks a multiprocessor, of chunks that are worth a block.
  const std::int64_t wanted = ceil_div(3 * kMultiprocessors, heads);
  const std::int64_t least = ceil_div(sk, wanted) < kLeastKeys ? kLeastKeys : ceil_div(sk, wanted);
  const std::int64_t keys = ceil_div(least, kKeys) * kKeys;
  const std::int64_t count = sk > keys ? ceil_div(sk, keys) : 1;
  const std::int64_t parts = count > 1 ? heads * count * sq : 0;
  const Workspace<float> rows(a.q.device, parts * a.q.dim(3)), stats(a.q.device, 2 * parts);
  const Chunks chunks{static_cast<int>(count), static_cast<int>(keys), rows.data(), stats.data()};
  const AttentionProblem problem(a);
  with_head_shape(a.q, [&](auto shape) {
    using Shape = decltype(shape);
    using T = typename Shape::T;
    launch({.grid = {heads, count},
            .block = kTileThreads,
            .shared_bytes = (kQueries + 2 * kKeys) * Shape::kPitch * sizeof(T),
            .stream = stream},
           split_kernel<Shape>, problem, Heads<T>(a.y), a.lse.as<float>(), Heads<const T>(a.q),
           Heads<const T>(a.k), Heads<const T>(a.v), chunks);
    if (count > 1)
      launch({.grid = heads * sq, .block = kMaxAttentionDepth, .stream = stream, .barriers = false},
             join_kernel<T>, problem, Heads<T>(a.y), a.lse.as<float>(), chunks);
  });
}

}  // namespace lacuna::LACUNA_NS
