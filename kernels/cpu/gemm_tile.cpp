// The register tile: rows x vectors sums held in registers, `a` broadcast from memory, `b` streamed from a panel.
//   6 x 64 floats on AVX-512 are 24 of 32 registers, 6 x 16 on AVX2 12 of 16. Each step of k is 10 loads and 24
//   multiply-adds (8 and 12), so that the multiplier and not the loads is the limit. Where a matrix has at most one
//   vector of columns the tile has 12 rows: fewer sums would leave the multiplier waiting for its own results.
//   a is not packed: reading it through row pointers costs less than the copy.
#include "gemm_tile.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/gemm_tile.cpp"
// clang-format off
#include <hwy/foreach_target.h>  // first: includes this file once a target
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::gemm_tile::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int kVectors = 4;
#else
constexpr int kVectors = 2;
#endif

template <int kRows, int kCols>
HWY_NOINLINE void tile(const Tile& t) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V sum[kRows][kCols];
  HWY_UNROLL(16) for (int i = 0; i < kRows; i++) {
    HWY_UNROLL(4) for (int j = 0; j < kCols; j++) {
      sum[i][j] = hn::Zero(d);
      __builtin_prefetch(t.c[i] + j * lanes, 1, 3);
    }
  }
  const int64_t depth = t.depth, step = t.b_step, a_step = t.a_step;
  for (int64_t tap = 0; tap < t.taps; tap++) {
    const float* HWY_RESTRICT a[kRows];
    HWY_UNROLL(16) for (int i = 0; i < kRows; i++) a[i] = t.a[i] + t.a_at[tap];
    const float* HWY_RESTRICT b = t.b + t.b_at[tap] * t.b_unit;
    int64_t at = 0;
    for (int64_t k = 0; k < depth; k++, b += step, at += a_step) {
      V bv[kCols];
      HWY_UNROLL(4) for (int j = 0; j < kCols; j++) bv[j] = hn::LoadU(d, b + j * lanes);
      HWY_UNROLL(16) for (int i = 0; i < kRows; i++) {
        const V av = hn::Set(d, a[i][at]);
        HWY_UNROLL(4) for (int j = 0; j < kCols; j++) sum[i][j] = hn::MulAdd(av, bv[j], sum[i][j]);
      }
    }
  }
  const bool add = t.add,
             relu = t.relu;  // copies: stores through c might change t, for all the compiler knows
  const float* const bias = t.bias;
  const int64_t columns = t.columns;
  const V zero = hn::Zero(d);
  float* c[kRows];
  const float* added[kRows];
  HWY_UNROLL(16) for (int i = 0; i < kRows; i++) {
    c[i] = t.c[i];
    added[i] = t.added ? t.added[i] : c[i];
  }
  if (columns == kCols * lanes && !add) {
    V shift[kCols];
    HWY_UNROLL(4)
    for (int j = 0; j < kCols; j++) shift[j] = bias ? hn::LoadU(d, bias + j * lanes) : zero;
    HWY_UNROLL(16) for (int i = 0; i < kRows; i++) {
      HWY_UNROLL(4) for (int j = 0; j < kCols; j++) {
        V v = hn::Add(sum[i][j], shift[j]);
        if (relu) v = hn::IfThenElse(hn::Lt(v, zero), zero, v);  // NaN stays NaN
        hn::StoreU(v, d, c[i] + j * lanes);
      }
    }
    return;
  }
  HWY_UNROLL(4) for (int j = 0; j < kCols; j++) {
    const int64_t rest = columns - j * lanes;
    if (rest <= 0) break;
    const auto mask = hn::FirstN(d, static_cast<size_t>(HWY_MIN(rest, lanes)));
    const V shift = bias ? hn::MaskedLoad(mask, d, bias + j * lanes) : zero;
    HWY_UNROLL(16) for (int i = 0; i < kRows; i++) {
      float* to = c[i] + j * lanes;
      V v = sum[i][j];
      if (add) v = hn::Add(v, hn::MaskedLoad(mask, d, added[i] + j * lanes));
      v = hn::Add(v, shift);
      if (relu) v = hn::IfThenElse(hn::Lt(v, zero), zero, v);
      if (rest >= lanes)
        hn::StoreU(v, d, to);
      else
        hn::BlendedStore(v, mask, d, to);
    }
  }
}

void transpose(const float* from, int64_t from_step, int64_t rows, int64_t columns, float* to,
               int64_t to_step) {
  // In strips whose rows of `to` stay in the first-level cache while their lines fill up.
  constexpr int64_t kStrip = 256;
  for (int64_t strip = 0; strip < columns; strip += kStrip) {
    const int64_t end = HWY_MIN(strip + kStrip, columns);
    int64_t r = 0;
#if HWY_TARGET != HWY_SCALAR
    const hn::FixedTag<float, 4> d;
    const hn::RepartitionToWide<decltype(d)> dw;
    for (; r + 4 <= rows; r += 4) {
      const float* f = from + r * from_step;
      int64_t c = strip;
      for (; c + 4 <= end; c += 4) {
        const auto v0 = hn::LoadU(d, f + c), v1 = hn::LoadU(d, f + from_step + c);
        const auto v2 = hn::LoadU(d, f + 2 * from_step + c),
                   v3 = hn::LoadU(d, f + 3 * from_step + c);
        const auto l01 = hn::BitCast(dw, hn::InterleaveLower(d, v0, v1));
        const auto l23 = hn::BitCast(dw, hn::InterleaveLower(d, v2, v3));
        const auto u01 = hn::BitCast(dw, hn::InterleaveUpper(d, v0, v1));
        const auto u23 = hn::BitCast(dw, hn::InterleaveUpper(d, v2, v3));
        float* t = to + c * to_step + r;
        hn::StoreU(hn::BitCast(d, hn::InterleaveLower(dw, l01, l23)), d, t);
        hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(dw, l01, l23)), d, t + to_step);
        hn::StoreU(hn::BitCast(d, hn::InterleaveLower(dw, u01, u23)), d, t + 2 * to_step);
        hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(dw, u01, u23)), d, t + 3 * to_step);
      }
      for (; c < end; c++)
        for (int64_t i = 0; i < 4; i++) to[c * to_step + r + i] = f[i * from_step + c];
    }
#endif
    for (; r < rows; r++)
      for (int64_t c = strip; c < end; c++) to[c * to_step + r] = from[r * from_step + c];
  }
}

void dots(const float* a, const float* b, int64_t b_step, int64_t columns, int64_t depth,
          float* sums) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const float* HWY_RESTRICT row[4];
  HWY_UNROLL(4) for (int j = 0; j < 4; j++) row[j] = b + HWY_MIN(j, columns - 1) * b_step;
  V sum[4][2];  // two of each, so that a sum does not wait for itself
  HWY_UNROLL(4) for (int j = 0; j < 4; j++) {
    sum[j][0] = hn::Zero(d);
    sum[j][1] = hn::Zero(d);
  }
  int64_t k = 0;
  for (; k + 2 * lanes <= depth; k += 2 * lanes) {
    const V a0 = hn::LoadU(d, a + k), a1 = hn::LoadU(d, a + k + lanes);
    HWY_UNROLL(4) for (int j = 0; j < 4; j++) {
      sum[j][0] = hn::MulAdd(a0, hn::LoadU(d, row[j] + k), sum[j][0]);
      sum[j][1] = hn::MulAdd(a1, hn::LoadU(d, row[j] + k + lanes), sum[j][1]);
    }
  }
  for (; k < depth; k += lanes) {
    const auto mask = hn::FirstN(d, static_cast<size_t>(HWY_MIN(lanes, depth - k)));
    const V av = hn::MaskedLoad(mask, d, a + k);
    HWY_UNROLL(4)
    for (int j = 0; j < 4; j++)
      sum[j][0] = hn::MulAdd(av, hn::MaskedLoad(mask, d, row[j] + k), sum[j][0]);
  }
  for (int j = 0; j < columns; j++)
    sums[j] = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum[j][0], sum[j][1])));
}

template <int kCols>
void sum_strip(const float* x, int64_t rows, int64_t step, int64_t columns, float* sums) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t tail = columns - (kCols - 1) * lanes;  // of the last vector
  const auto mask = hn::FirstN(d, static_cast<size_t>(tail));
  V sum[kCols];
  HWY_UNROLL(4) for (int j = 0; j < kCols; j++) sum[j] = hn::Zero(d);
  for (int64_t r = 0; r < rows; r++, x += step) {
    HWY_UNROLL(4)
    for (int j = 0; j + 1 < kCols; j++) sum[j] = hn::Add(sum[j], hn::LoadU(d, x + j * lanes));
    const float* last = x + (kCols - 1) * lanes;
    sum[kCols - 1] =
        hn::Add(sum[kCols - 1], tail == lanes ? hn::LoadU(d, last) : hn::MaskedLoad(mask, d, last));
  }
  HWY_UNROLL(4) for (int j = 0; j + 1 < kCols; j++) hn::StoreU(sum[j], d, sums + j * lanes);
  hn::BlendedStore(sum[kCols - 1], mask, d, sums + (kCols - 1) * lanes);
}

void sum_columns(const float* x, int64_t rows, int64_t columns, float* sums) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(D()));
  int64_t c = 0;
  for (; c + 3 * lanes < columns; c += 4 * lanes)
    sum_strip<4>(x + c, rows, columns, HWY_MIN(columns - c, 4 * lanes), sums + c);
  for (; c < columns; c += lanes)
    sum_strip<1>(x + c, rows, columns, HWY_MIN(columns - c, lanes), sums + c);
}

void finish(float* x, int64_t n, Epilogue epilogue) {
  const D d;
  const V zero = hn::Zero(d), one = hn::Set(d, 1.0f);
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto f = [&](V v) HWY_ATTR {
    if (epilogue == Epilogue::relu) return hn::IfThenElse(hn::Lt(v, zero), zero, v);
    V y = v;
    if (epilogue == Epilogue::tanh) y = hn::Tanh(d, v);
    if (epilogue == Epilogue::sigmoid) y = hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(v))));
    return hn::IfThenElse(hn::IsNaN(v), v, y);  // Highway's Exp makes 0 of NaN
  };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, x + i)), d, x + i);
  if (i < n) {
    const auto mask = hn::FirstN(d, static_cast<size_t>(n - i));
    hn::BlendedStore(f(hn::MaskedLoad(mask, d, x + i)), mask, d, x + i);
  }
}

template <int kCols>
void fill(TileSet& set) {
  set.run[1][kCols] = tile<1, kCols>;
  set.run[2][kCols] = tile<2, kCols>;
  set.run[3][kCols] = tile<3, kCols>;
  set.run[4][kCols] = tile<4, kCols>;
  set.run[5][kCols] = tile<5, kCols>;
  set.run[6][kCols] = tile<6, kCols>;
}

const TileSet& get() {
  static const TileSet set = [] {
    TileSet s = {};
    s.lanes = static_cast<int64_t>(hn::Lanes(D()));
    s.vectors = kVectors;
    fill<1>(s);
    fill<2>(s);
    if constexpr (kVectors == 4) {
      fill<3>(s);
      fill<4>(s);
    }
    s.run[7][1] = tile<7, 1>;
    s.run[8][1] = tile<8, 1>;
    s.run[9][1] = tile<9, 1>;
    s.run[10][1] = tile<10, 1>;
    s.run[11][1] = tile<11, 1>;
    s.run[12][1] = tile<12, 1>;
    s.transpose = transpose;
    s.dots = dots;
    s.sum_columns = sum_columns;
    s.finish = finish;
    return s;
  }();
  return set;
}

}  // namespace lacuna::cpu::gemm_tile::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace gemm_tile {
HWY_EXPORT(get);
const TileSet& best() { return HWY_DYNAMIC_DISPATCH(get)(); }
}  // namespace gemm_tile

const TileSet& tile_set() { return gemm_tile::best(); }

void pack_panels(const TileSet& set, const float* from, std::int64_t row, std::int64_t column,
                 std::int64_t depth, std::int64_t columns, float* to) {
  for (std::int64_t j = 0; j < columns; j += set.panel()) {
    const std::int64_t width = set.width(columns - j), here = std::min(width, columns - j);
    const float* source = from + j * column;
    if (column == 1) {
      for (std::int64_t k = 0; k < depth; k++)
        std::memcpy(to + k * width, source + k * row, here * sizeof(float));
    } else {
      set.transpose(source, column, here, depth, to, width);
    }
    if (here < width)
      for (std::int64_t k = 0; k < depth; k++)
        std::memset(to + k * width + here, 0, (width - here) * sizeof(float));
    to += depth * width;
  }
}

void multiply_rows(const TileSet& set, Tile tile, std::int64_t rows, const float* a,
                   std::int64_t a_row, std::int64_t columns, float* c, std::int64_t c_row) {
  const float* from[kMaxTileRows];
  float* to[kMaxTileRows];
  const float* const b = tile.b;
  tile.a = from;
  tile.c = to;
  const TileRows cut(rows, set.rows(set.width(columns)));
  for (std::int64_t r = 0; r < cut.tiles; r++) {
    const std::int64_t first = cut.begin(r), count = cut.begin(r + 1) - first;
    for (std::int64_t i = 0; i < count; i++) from[i] = a + (first + i) * a_row;
    for (std::int64_t j = 0; j < columns; j += set.panel()) {
      for (std::int64_t i = 0; i < count; i++) to[i] = c + (first + i) * c_row + j;
      tile.b = b + j;
      tile.columns = std::min(set.panel(), columns - j);
      set.run[count][set.width(columns - j) / set.lanes](tile);
    }
  }
}

}  // namespace lacuna::cpu
#endif
