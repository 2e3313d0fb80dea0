// Attention on cpu, in f32 by tiles of 64 queries and up to 256 keys: scores of a tile, a running softmax over its rows, and
// the product with the values, all in the second-level cache.
//   few queries  (a step of generation) forward splits the keys into chunks of 512, each with a softmax of its own, and joins
//                them in order; a few rows are multiplied with the keys where they lie
//   pieces       forward and dq: a tile of queries; dk and dv: a tile of 64 keys; backward of many heads: a head. Each piece
//                writes rows of its own
//   determinism  every sum has one order, whatever the number of threads
#include "attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "matmul.h"
#include "parallel.h"
#include "scratch.h"

namespace lacuna::cpu {
namespace {

using std::int64_t;
using Floats = HeadRows<const float>;

constexpr int64_t kTile = kAttentionBlock;
// From so many on, each thread has heads enough: backward then takes a whole head at a time, with 5 products for 7.
constexpr int64_t kManyHeads = 32;

// Up to so many queries, forward splits the keys; up to kRows of them, products are taken row by row.
constexpr int64_t kFew = 16, kRows = 4, kChunk = 2 * kMostKeys;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

int64_t tiles_of(int64_t n) { return (n + kTile - 1) / kTile; }

// Keys, or queries in the pass over key tiles, that are taken at once: blocks of the mask are taken one by one.
int64_t step_of(const AttentionMask& mask) { return mask.blocks ? kTile : kMostKeys; }

void multiply(const Product<float>& p) {
  cpu::multiply(1, p, [&](int64_t) { return p; });
}

// s (m, n) = a (m, d) b (n, d)^T
void scores(const Floats& a, int64_t i0, int64_t m, const Floats& b, int64_t j0, int64_t n,
            int64_t d, float* s) {
  Product<float> p;
  p.m = m, p.n = n, p.k = d;
  p.a = a[i0], p.a_row = a.stride;
  p.b = b[j0], p.b_row = 1, p.b_column = b.stride;
  p.c = s, p.c_row = n;
  multiply(p);
}

// c (m, d) += s (m, n) b (n, d), or with `transposed` s (n, m)^T b (n, d)
void accumulate(const float* s, bool transposed, int64_t m, int64_t n, const Floats& b, int64_t j0,
                int64_t d, float* c) {
  Product<float> p;
  p.m = m, p.n = d, p.k = n;
  p.a = s, p.a_row = transposed ? 1 : n, p.a_column = transposed ? m : 1;
  p.b = b[j0], p.b_row = b.stride;
  p.c = c, p.c_row = d;
  p.accumulate = true;
  multiply(p);
}

// What the rows of a tile share: which columns they see and which probabilities they keep.
struct Tile {
  const AttentionHead& head;
  const AttentionDropout& dropout;
  AttentionBand band;
  std::uint32_t last;
  float scale;
  float factors[kMostKeys];

  Tile(const AttentionHead& h, const AttentionDropout& drop)
      : head(h),
        dropout(drop),
        band(h.keys()),
        last(static_cast<std::uint32_t>(BernoulliThreshold(1 - drop.p).below - 1)),
        scale(static_cast<float>(keep_scale(drop))) {}

  // Keys [j0, j0 + n) of query i.
  AttentionRow row(int64_t i, int64_t j0, int64_t n) {
    const auto r = static_cast<std::int32_t>(i);
    const int64_t begin = std::clamp<int64_t>(band.begin(r) - j0, 0, n),
                  end = std::clamp<int64_t>(band.end(r) - j0, begin, n);
    AttentionRow row{static_cast<std::size_t>(begin), static_cast<std::size_t>(end),
                     static_cast<std::size_t>(n), nullptr};
    if (dropout.p > 0) {
      attention_rows().keep(factors, head.element(i, j0), row.n, dropout.key, head.id, head.view,
                            last, scale);
      row.keep = factors;
    }
    return row;
  }
};

struct Columns {
  int64_t begin = 0, end = std::numeric_limits<int64_t>::max();
};

// f(first column, their number) for the columns that rows [first, end) of the scores, or of their transpose, meet; of
// those in `within`, which begins with a tile.
template <class F>
void each_tile(const AttentionHead& head, bool transposed, int64_t first, int64_t end, F&& f,
               Columns within = {}) {
  const AttentionBand band = transposed ? head.queries() : head.keys();
  end = std::min<int64_t>(end, band.rows);
  if (first >= end) return;
  const int64_t step = step_of(*head.mask),
                stop = std::min<int64_t>(band.end(static_cast<std::int32_t>(end - 1)), within.end),
                start = std::max<int64_t>(
                    band.begin(static_cast<std::int32_t>(first)) / kTile * kTile, within.begin);
  for (int64_t c = start; c < stop; c += step)
    if (transposed ? head.block(c, first) : head.block(first, c)) f(c, std::min(step, stop - c));
}

// What m rows have summed so far: out (m, d), and of each row the maximum and the sum of its softmax.
struct Sums {
  int64_t m, d;
  float *out, *max, *sum;
  static int64_t size(int64_t m, int64_t d) { return m * (d + 2); }
  Sums(float* p, int64_t rows, int64_t depth)
      : m(rows), d(depth), out(p), max(p + m * d), sum(max + m) {}
  void clear() const {
    std::fill_n(out, m * d, 0.0f);
    std::fill_n(max, m, kLowest);
    std::fill_n(sum, m, 0.0f);
  }
  // Adds what other columns gave.
  void join(const Sums& other) const {
    for (int64_t r = 0; r < m; r++) {
      if (other.sum[r] == 0) continue;
      const float top = std::max(max[r], other.max[r]), mine = std::exp(max[r] - top),
                  theirs = std::exp(other.max[r] - top);
      for (int64_t c = r * d; c < (r + 1) * d; c++) out[c] = mine * out[c] + theirs * other.out[c];
      sum[r] = mine * sum[r] + theirs * other.sum[r];
      max[r] = top;
    }
  }
};

// Queries from i0 on, over the keys within.
void sum_keys(const AttentionForward& a, const AttentionHead& head, int64_t i0, Columns within,
              const Sums& sums) {
  const int64_t m = sums.m, d = head.d;
  const Floats q = head.of<const float>(a.q), k = head.of<const float>(a.k),
               v = head.of<const float>(a.v);
  Scratch<float> s(static_cast<std::size_t>(m * step_of(a.mask)));
  sums.clear();
  const auto scale = static_cast<float>(a.scale);
  const AttentionRows& rows = attention_rows();
  const bool by_rows = m <= kRows;
  Tile tile(head, a.dropout);
  each_tile(
      head, false, i0, i0 + m,
      [&](int64_t j0, int64_t n) {
        if (by_rows)
          rows.scores(s.data(), {q[i0], q.stride}, m, {k[j0], k.stride}, n, d);
        else
          scores(q, i0, m, k, j0, n, d, s.data());
        for (int64_t r = 0; r < m; r++)
          rows.softmax(s.data() + r * n, tile.row(i0 + r, j0, n), scale, sums.max[r], sums.sum[r],
                       sums.out + r * d, static_cast<std::size_t>(d));
        if (by_rows)
          rows.accumulate(sums.out, s.data(), m, {v[j0], v.stride}, n, d);
        else
          accumulate(s.data(), false, m, n, v, j0, d, sums.out);
      },
      within);
}

void write_rows(const AttentionForward& a, const AttentionHead& head, int64_t i0,
                const Sums& sums) {
  const HeadRows<float> y = head.of<float>(a.y);
  float* const lse = a.lse.as<float>() + (head.sample * a.q.dim(1) + head.head) * head.sq + i0;
  for (int64_t r = 0; r < sums.m; r++) {
    const float sum = sums.sum[r];
    attention_rows().multiply(y[i0 + r], sums.out + r * sums.d, sum == 0 ? 0 : 1 / sum,
                              static_cast<std::size_t>(sums.d));
    lse[r] = sum == 0 ? kLowest : sums.max[r] + std::log(sum);
  }
}

void forward_tile(const AttentionForward& a, const AttentionHead& head, int64_t i0) {
  const int64_t m = std::min(kTile, head.sq - i0);
  Scratch<float> room(static_cast<std::size_t>(Sums::size(m, head.d)));
  const Sums sums(room.data(), m, head.d);
  sum_keys(a, head, i0, {}, sums);
  write_rows(a, head, i0, sums);
}

void forward_few(const AttentionForward& a) {
  const int64_t heads = a.q.dim(0) * a.q.dim(1), m = a.q.dim(2), d = a.q.dim(3), sk = a.k.dim(2);
  const int64_t chunks = std::max<int64_t>(1, (sk + kChunk - 1) / kChunk), size = Sums::size(m, d);
  Scratch<float> room(static_cast<std::size_t>(heads * chunks * size));
  const double ns = 0.1 * static_cast<double>(m * std::min(sk, kChunk) * d);
  parallel_for(heads * chunks, grain_for(ns), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t first = i % chunks * kChunk;
      sum_keys(a, AttentionHead(a, i / chunks), 0, {first, first + kChunk},
               Sums(room.data() + i * size, m, d));
    }
  });
  parallel_for(heads, grain_for(static_cast<double>(chunks * size)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t head = begin; head < end; head++) {
                   const Sums sums(room.data() + head * chunks * size, m, d);
                   for (int64_t i = 1; i < chunks; i++)
                     sums.join(Sums(room.data() + (head * chunks + i) * size, m, d));
                   write_rows(a, AttentionHead(a, head), 0, sums);
                 }
               });
}

struct BackwardHead {
  const AttentionBackward& a;
  AttentionHead head;
  Floats q, k, v, dy;
  const float *lse, *delta;

  BackwardHead(const AttentionBackward& args, int64_t number, const float* deltas)
      : a(args),
        head(args, number),
        q(head.of<const float>(a.q)),
        k(head.of<const float>(a.k)),
        v(head.of<const float>(a.v)),
        dy(head.of<const float>(a.dy)),
        lse(a.lse.as<float>() + number * head.sq),
        delta(deltas + number * head.sq) {}

  // p (m, n) and ds (m, n) of queries from i0 and keys from j0 on.
  void tile(Tile& tile, int64_t i0, int64_t m, int64_t j0, int64_t n, float* p, float* ds) const {
    scores(q, i0, m, k, j0, n, head.d, p);
    scores(dy, i0, m, v, j0, n, head.d, ds);
    for (int64_t r = 0; r < m; r++) {
      const int64_t i = i0 + r;
      AttentionRow row = tile.row(i, j0, n);
      if (lse[i] == kLowest) row.begin = row.end = 0;
      attention_rows().gradient(p + r * n, ds + r * n, row, static_cast<float>(a.scale), lse[i],
                                delta[i]);
    }
  }

  // Rows from `first` on of a gradient.
  void write(const Array& to, int64_t first, int64_t rows, const float* sums, double factor) const {
    const HeadRows<float> out = head.of<float>(to);
    for (int64_t r = 0; r < rows; r++)
      attention_rows().multiply(out[first + r], sums + r * head.d, static_cast<float>(factor),
                                static_cast<std::size_t>(head.d));
  }

  void queries(int64_t i0) const {
    const int64_t m = std::min(kTile, head.sq - i0), d = head.d;
    const auto room = static_cast<std::size_t>(m * step_of(a.mask));
    Scratch<float> p(room), ds(room), dq(static_cast<std::size_t>(m * d));
    std::fill_n(dq.data(), m * d, 0.0f);
    Tile rows(head, a.dropout);
    each_tile(head, false, i0, i0 + m, [&](int64_t j0, int64_t n) {
      tile(rows, i0, m, j0, n, p.data(), ds.data());
      accumulate(ds.data(), false, m, n, k, j0, d, dq.data());
    });
    write(a.dq, i0, m, dq.data(), a.scale);
  }

  // `dq` (sq, d), where given: what these keys add to it.
  void keys(int64_t j0, float* dq) const {
    const int64_t n = std::min(kTile, head.sk - j0), d = head.d;
    const auto room = static_cast<std::size_t>(n * step_of(a.mask)),
               size = static_cast<std::size_t>(n * d);
    Scratch<float> p(room), ds(room), dk(size), dv(size);
    std::fill_n(dk.data(), size, 0.0f);
    std::fill_n(dv.data(), size, 0.0f);
    Tile rows(head, a.dropout);
    each_tile(head, true, j0, j0 + n, [&](int64_t i0, int64_t m) {
      tile(rows, i0, m, j0, n, p.data(), ds.data());
      accumulate(p.data(), true, n, m, dy, i0, d, dv.data());
      accumulate(ds.data(), true, n, m, q, i0, d, dk.data());
      if (dq) accumulate(ds.data(), false, m, n, k, j0, d, dq + i0 * d);
    });
    write(a.dk, j0, n, dk.data(), a.scale);
    write(a.dv, j0, n, dv.data(), 1);
  }

  void all() const {
    const int64_t size = head.sq * head.d;
    Scratch<float> dq(static_cast<std::size_t>(size));
    std::fill_n(dq.data(), size, 0.0f);
    for (int64_t j0 = 0; j0 < head.sk; j0 += kTile) keys(j0, dq.data());
    write(a.dq, 0, head.sq, dq.data(), a.scale);
  }
};

// f(head, first row) for tiles of the rows of every head, on all threads; `columns`: what a row meets at most.
template <class F>
void each_piece(int64_t heads, int64_t rows, int64_t columns, int64_t d, F&& f) {
  const int64_t tiles = tiles_of(rows);
  const double ns =
      0.02 * static_cast<double>(std::min(rows, kTile) * std::max<int64_t>(columns, 1) * d);
  parallel_for(heads * tiles, grain_for(ns), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) f(i / tiles, i % tiles * kTile);
  });
}

}  // namespace

void attention_forward(const AttentionForward& a, Stream) {
  if (a.q.dtype == Dtype::f64) return attention_forward_plain(a);
  if (a.q.dim(2) <= kFew) return forward_few(a);
  const int64_t heads = a.q.dim(0) * a.q.dim(1);
  each_piece(heads, a.q.dim(2), a.k.dim(2), a.q.dim(3),
             [&](int64_t head, int64_t i0) { forward_tile(a, AttentionHead(a, head), i0); });
}

void attention_backward(const AttentionBackward& a, Stream) {
  if (a.q.dtype == Dtype::f64) return attention_backward_plain(a);
  const int64_t heads = a.q.dim(0) * a.q.dim(1), sq = a.q.dim(2), sk = a.k.dim(2), d = a.q.dim(3);
  Scratch<float> delta(static_cast<std::size_t>(heads * sq));
  parallel_for(
      heads * sq, grain_for(0.1 * static_cast<double>(d)), [&](int64_t begin, int64_t end) {
        for (int64_t n = begin; n < end; n++) {
          const AttentionHead head(a, n / sq);
          delta[n] =
              attention_rows().dot(head.of<const float>(a.y)[n % sq],
                                   head.of<const float>(a.dy)[n % sq], static_cast<std::size_t>(d));
        }
      });
  if (a.dq && a.dk && heads >= kManyHeads)
    return parallel_for(heads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; n++) BackwardHead(a, n, delta.data()).all();
    });
  if (a.dq)
    each_piece(heads, sq, sk, d,
               [&](int64_t head, int64_t i0) { BackwardHead(a, head, delta.data()).queries(i0); });
  if (a.dk)
    each_piece(heads, sk, sq, d, [&](int64_t head, int64_t j0) {
      BackwardHead(a, head, delta.data()).keys(j0, nullptr);
    });
}

}  // namespace lacuna::cpu
