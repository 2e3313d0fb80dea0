#pragma once
// What the kernels of attention are told, and which tiles of scores a block computes: tiles that the mask hides are passed
// over, and only those that it cuts compare indices.
#include <device/shared.cuh>

#include "../attention.h"
#include "gemm.cuh"
#include "row_tile.cuh"

namespace lacuna::LACUNA_NS {

/// An array (b, h, s, d) with unit stride in d.
template <class T>
struct Heads {
  T* p = nullptr;
  std::int64_t sample = 0, head = 0, row = 0;
  bool wide = false;

  explicit Heads(const Array& a)
      : p(a.as<T>()), sample(a.strides[0]), head(a.strides[1]), row(a.strides[2]) {
    wide = reinterpret_cast<std::uintptr_t>(p) % 16 == 0;
    for (int i = 0; i < 3; i++)
      wide = wide && (a.shape[i] == 1 || a.strides[i] * sizeof(T) % 16 == 0);
  }
  __device__ Rows<T> rows(int s, int h) const { return {p + s * sample + h * head, row, wide}; }
};

struct AttentionProblem {
  int samples, heads, sq, sk, d;
  float scale;
  bool causal;
  std::int64_t window;
  const std::int64_t* lengths;
  const std::uint8_t* blocks;
  bool drop;
  RandomKey key;
  BernoulliThreshold keep;
  const std::int64_t* ids;
  float keep_scale;

  template <class Args>
  explicit AttentionProblem(const Args& a)
      : samples(static_cast<int>(a.q.dim(0))),
        heads(static_cast<int>(a.q.dim(1))),
        sq(static_cast<int>(a.q.dim(2))),
        sk(static_cast<int>(a.k.dim(2))),
        d(static_cast<int>(a.q.dim(3))),
        scale(static_cast<float>(a.scale)),
        causal(a.mask.causal),
        window(a.mask.window),
        lengths(a.mask.lengths.template as<std::int64_t>()),
        blocks(a.mask.blocks.template as<std::uint8_t>()),
        drop(a.dropout.p > 0),
        key(a.dropout.key),
        keep(1 - a.dropout.p),
        ids(a.dropout.ids.template as<std::int64_t>()),
        keep_scale(a.dropout.p < 1 ? static_cast<float>(1 / (1 - a.dropout.p)) : 0.0f) {}

  __device__ std::int64_t length(int sample) const { return lengths ? lengths[sample] : sk; }
  __device__ AttentionBand keys(int sample) const {
    return AttentionBand::of_queries(causal, window, sq, sk, length(sample));
  }
  __device__ AttentionBand queries(int sample) const {
    return AttentionBand::of_keys(causal, window, sq, sk, length(sample));
  }
  /// The block mask at (row, column 0) of the scores, or of their transpose; `step` to the next column.
  __device__ const std::uint8_t* blocks_of(int row, bool transposed) const {
    if (!blocks) return nullptr;
    return blocks + (transposed ? row / kAttentionBlock
                                : std::int64_t{row / kAttentionBlock} * blocks_step(true));
  }
  __device__ int blocks_step(bool transposed) const {
    return transposed ? (sk + kAttentionBlock - 1) / kAttentionBlock : 1;
  }
};

/// A block's rows. Later rows first: under a causal mask they have the most columns.
struct AttentionPlace {
  int sample, head, first, end;
  __device__ AttentionPlace(const AttentionProblem& a, int rows) {
    const int tiles = (rows + kTileRows - 1) / kTileRows;
    const int tile = tiles - 1 - static_cast<int>(blockIdx.x % tiles), rest = blockIdx.x / tiles;
    head = rest % a.heads;
    sample = rest / a.heads;
    first = tile * kTileRows;
    end = first + kTileRows < rows ? first + kTileRows : rows;
  }
};

/// The tiles of columns that a block's rows meet: from next(begin) on by next(c + kColumns), below `end`.
template <int kColumns>
struct ColumnTiles {
  AttentionBand band;
  int first, last, begin, end;  // rows [first, last)
  const std::uint8_t* blocks;
  int step;
  __device__ ColumnTiles(const AttentionProblem& a, const AttentionPlace& at, bool transposed)
      : band(transposed ? a.queries(at.sample) : a.keys(at.sample)),
        first(at.first),
        last(at.end),
        begin(band.begin(first) / kColumns * kColumns),
        end(first < band.rows ? band.end((last < band.rows ? last : band.rows) - 1) : 0),
        blocks(a.blocks_of(first, transposed)),
        step(a.blocks_step(transposed)) {}
  __device__ int next(int c) const {
    while (blocks && c < end && !blocks[std::int64_t{c / kAttentionBlock} * step]) c += kColumns;
    return c;
  }
  /// No row has to look which columns it has.
  __device__ bool full(int c) const { return band.full(first, last, c, c + kColumns); }
};

/// -inf outside of the columns [begin, end) of the thread's two rows.
template <int kColumns>
__device__ __forceinline__ void hide(float (&s)[kColumns / 8][4], const AttentionBand& band,
                                     int row, int column, const Lane& at) {
  const int begin[] = {band.begin(row + at.row(0)), band.begin(row + at.row(2))};
  const int end[] = {band.end(row + at.row(0)), band.end(row + at.row(2))};
  LACUNA_UNROLL
  for (int j = 0; j < kColumns / 8; j++) LACUNA_UNROLL
  for (int r = 0; r < 4; r++) {
    const int c = column + at.column(j, r);
    if (c < begin[r / 2] || c >= end[r / 2]) s[j][r] = -INFINITY;
  }
}

/// Bit 4 j + r is set where c[j][r] is not dropped. Drawn in a loop that is not unrolled, before the products need the registers.
template <int kColumns, bool kTransposed>
__device__ __forceinline__ unsigned kept(const AttentionProblem& a, const AttentionPlace& place,
                                         int column, const Lane& at) {
  if (!a.drop) return ~0u;
  static_assert(kColumns <= 64);
  const std::uint64_t sample = a.ids ? a.ids[2 * place.sample] : place.sample;
  const std::uint64_t view = a.ids ? a.ids[2 * place.sample + 1] : 0;
  unsigned bits = 0;
  std::uint64_t block = ~std::uint64_t{0};
  Philox4 words = {};
  LACUNA_NO_UNROLL
  for (int e = 0; e < kColumns / 2; e++) {
    const int row = place.first + at.row(e % 4), along = column + at.column(e / 4, e % 4);
    const int i = kTransposed ? along : row, j = kTransposed ? row : along;
    const auto element = (static_cast<std::uint64_t>(place.head) * a.sq + i) * a.sk + j;
    if (element / 4 != block) words = draw(a.key, block = element / 4, sample, view);
    const std::uint32_t word = element % 4 < 2 ? (element % 2 ? words.v[1] : words.v[0])
                                               : (element % 2 ? words.v[3] : words.v[2]);
    bits |= static_cast<unsigned>(a.keep(word)) << e;
  }
  return bits;
}

/// A warp's part of y, before it is divided by the sums: rows from place.first on, over the tiles from c on. Of each tile of kKeys the
/// warp takes kShare from `share` on. The first keys are already on their way; v's are while q k^T is multiplied, the
/// next k's while p v is.
template <class Shape, int kKeys, int kShare, class T = typename Shape::T>
__device__ __forceinline__ void attend(float (&o)[Shape::D / 8][4], RunningSoftmax& softmax,
                                       const AttentionProblem& a, const AttentionPlace& place,
                                       const ColumnTiles<kKeys>& tiles, int c, int share,
                                       const T* q_tile, T* k_tile, T* v_tile,
                                       const Rows<const T>& keys, const Rows<const T>& values,
                                       AsyncCopies& copies, const Lane& at) {
  const int length = tiles.band.columns;
  while (c < tiles.end) {
    copies.wait();
    __syncthreads();  // this k is there, and the last v is not needed any more
    load_tile<Shape, kKeys>(copies, v_tile, values, c, length, a.d);
    const unsigned keep = kept<kShare, false>(a, place, c + share, at);
    float s[kShare / 8][4] = {}, rescale[2];
    scores<Shape, kShare>(s, q_tile, k_tile + share * Shape::kPitch, at);
    if (!tiles.full(c)) hide<kShare>(s, tiles.band, place.first, c + share, at);
    softmax.update(s, a.scale * kLog2E, rescale);
    LACUNA_UNROLL
    for (int j = 0; j < Shape::D / 8; j++) LACUNA_UNROLL
    for (int r = 0; r < 4; r++) o[j][r] *= rescale[r / 2];
    LACUNA_UNROLL
    for (int j = 0; j < kShare / 8; j++) LACUNA_UNROLL
    for (int r = 0; r < 4; r++) s[j][r] = keep >> (4 * j + r) & 1 ? s[j][r] : 0.0f;
    copies.wait();
    __syncthreads();  // this v is there, and this k is not needed any more
    c = tiles.next(c + kKeys);
    if (c < tiles.end) load_tile<Shape, kKeys>(copies, k_tile, keys, c, length, a.d);
    accumulate<Shape, kShare>(o, s, v_tile + share * Shape::kPitch, at);
  }
}

/// Up to so many queries, attention splits the keys among blocks: attention_split.cu.
inline constexpr std::int64_t kFewQueries = 16;
void attention_forward_split(const AttentionForward&, Stream);

/// Calls f(RowShape) for what the arrays' type, precision() and d ask for.
template <class F>
void with_head_shape(const Array& q, F&& f) {
  with_math(q.dtype, [&](auto math) {
    constexpr Math kMath = decltype(math)::value;
    if (q.dim(3) <= 32)
      f(RowShape<kMath, 32>{});
    else if (q.dim(3) <= 64)
      f(RowShape<kMath, 64>{});
    else
      f(RowShape<kMath, 128>{});
  });
}

}  // namespace lacuna::LACUNA_NS
