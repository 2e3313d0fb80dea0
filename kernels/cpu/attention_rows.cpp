// The row loops of attention on cpu.
#include <math.h>  // the scalar target of Highway 1.0.3 wants ::isnan

#include <algorithm>
#include <limits>

#include "attention.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/attention_rows.cpp"
// clang-format off
#include <hwy/foreach_target.h>  // first: includes this file once a target
#include <hwy/highway.h>
#include "draw-inl.h"
#include "rows-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::attention::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace cpu::HWY_NAMESPACE;

void keep_row(float* keep, std::uint64_t element, size_t n, RandomKey key, std::uint64_t id,
              std::uint64_t view, std::uint32_t last, float scale) {
  alignas(64) std::uint32_t words[kDraws];
  const size_t skip = element % 4;
  draw_words(key, Run{0, static_cast<std::int64_t>(skip + n), element / 4, id, view}, words);
  for (size_t j = 0; j < n; j++) keep[j] = words[skip + j] <= last ? scale : 0.0f;
}

HWY_NOINLINE void multiply_row(float* to, const float* from, float factor, size_t n) {
  const D d;
  const V f = hn::Set(d, factor);
  each_vector(from, n, 0,
              [&](V v, size_t j, size_t count) HWY_ATTR { put(d, hn::Mul(v, f), to + j, count); });
}

HWY_NOINLINE float dot_row(const float* a, const float* b, size_t n) {
  const D d;
  V total = hn::Zero(d);
  each_vector(a, n, 0, [&](V v, size_t j, size_t count) HWY_ATTR {
    total = hn::MulAdd(v, get(d, b + j, count), total);
  });
  return sum_of(total);
}

HWY_INLINE void clear(float* s, const AttentionRow& row) {
  std::fill(s, s + row.begin, 0.0f);
  std::fill(s + row.end, s + row.n, 0.0f);
}

HWY_NOINLINE void softmax_row(float* s, const AttentionRow& row, float scale, float& max,
                              float& sum, float* out, size_t depth) {
  const D d;
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  clear(s, row);
  float* const seen = s + row.begin;
  const size_t n = row.end - row.begin;
  V tops = hn::Set(d, kLowest);
  each_vector(seen, n, kLowest, [&](V v, size_t, size_t) HWY_ATTR { tops = hn::Max(tops, v); });
  const float top = hn::GetLane(hn::MaxOfLanes(d, tops)) * scale;
  if (top > max) {
    const float less = max == kLowest ? 0.0f : std::exp(max - top);
    sum *= less;
    multiply_row(out, out, less, depth);
    max = top;
  }
  // Not -inf - (-inf), where every key so far is hidden.
  const V shift = hn::Set(d, max == kLowest ? 0.0f : max), factor = hn::Set(d, scale);
  V total = hn::Zero(d);
  each_vector(seen, n, kLowest, [&](V v, size_t j, size_t count) HWY_ATTR {
    V p = exp_of(d, hn::MulSub(v, factor, shift));
    if (count < hn::Lanes(d)) p = hn::IfThenElseZero(hn::FirstN(d, count), p);
    total = hn::Add(total, p);
    if (row.keep) p = hn::Mul(p, get(d, row.keep + row.begin + j, count));
    put(d, p, seen + j, count);
  });
  sum += sum_of(total);
}

HWY_NOINLINE void gradient_row(float* s, float* dp, const AttentionRow& row, float scale, float lse,
                               float delta) {
  const D d;
  clear(s, row);
  clear(dp, row);
  const V shift = hn::Set(d, lse), mean = hn::Set(d, delta), factor = hn::Set(d, scale);
  each_vector(s + row.begin, row.end - row.begin, 0, [&](V v, size_t j, size_t count) HWY_ATTR {
    const size_t at = row.begin + j;
    const V p = exp_of(d, hn::MulSub(v, factor, shift));
    V g = get(d, dp + at, count), dropped = p;
    if (row.keep) {
      const V keep = get(d, row.keep + at, count);
      g = hn::Mul(g, keep);
      dropped = hn::Mul(p, keep);
    }
    put(d, dropped, s + at, count);
    put(d, hn::Mul(p, hn::Sub(g, mean)), dp + at, count);
  });
}

HWY_NOINLINE void few_scores(float* s, const HeadRows<const float>& q, std::int64_t m,
                             const HeadRows<const float>& k, std::int64_t n, std::int64_t depth) {
  for (std::int64_t j = 0; j < n; j++)
    for (std::int64_t i = 0; i < m; i++)
      s[i * n + j] = dot_row(q[i], k[j], static_cast<size_t>(depth));
}

// A strip of four vectors of out stays in registers for all keys.
HWY_NOINLINE void few_accumulate(float* out, const float* s, std::int64_t m,
                                 const HeadRows<const float>& v, std::int64_t n,
                                 std::int64_t depth) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t i = 0; i < m; i++) {
    float* const y = out + i * depth;
    const float* const p = s + i * n;
    std::int64_t c = 0;
    for (; c + 4 * lanes <= depth; c += 4 * lanes) {
      V a0 = hn::LoadU(d, y + c), a1 = hn::LoadU(d, y + c + lanes),
        a2 = hn::LoadU(d, y + c + 2 * lanes), a3 = hn::LoadU(d, y + c + 3 * lanes);
      for (std::int64_t j = 0; j < n; j++) {
        const float* const from = v[j] + c;
        const V f = hn::Set(d, p[j]);
        a0 = hn::MulAdd(f, hn::LoadU(d, from), a0);
        a1 = hn::MulAdd(f, hn::LoadU(d, from + lanes), a1);
        a2 = hn::MulAdd(f, hn::LoadU(d, from + 2 * lanes), a2);
        a3 = hn::MulAdd(f, hn::LoadU(d, from + 3 * lanes), a3);
      }
      hn::StoreU(a0, d, y + c);
      hn::StoreU(a1, d, y + c + lanes);
      hn::StoreU(a2, d, y + c + 2 * lanes);
      hn::StoreU(a3, d, y + c + 3 * lanes);
    }
    for (; c < depth; c += lanes) {
      const auto count = static_cast<size_t>(std::min(lanes, depth - c));
      V a = get(d, y + c, count);
      for (std::int64_t j = 0; j < n; j++)
        a = hn::MulAdd(hn::Set(d, p[j]), get(d, v[j] + c, count), a);
      put(d, a, y + c, count);
    }
  }
}

AttentionRows rows() {
  return {keep_row, softmax_row, gradient_row, few_scores, few_accumulate, dot_row, multiply_row};
}

}  // namespace lacuna::cpu::attention::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace attention {
HWY_EXPORT(rows);
static AttentionRows best() { return HWY_DYNAMIC_DISPATCH(rows)(); }
}  // namespace attention

const AttentionRows& attention_rows() {
  static const AttentionRows rows = attention::best();
  return rows;
}

}  // namespace lacuna::cpu
#endif
