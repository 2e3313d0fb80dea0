// What happens to the colours of a view, for augment_image_f32.cpp: include it after <math.h> and highway.h.
#if defined(LACUNA_CPU_AUGMENT_IMAGE_COLOUR_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef LACUNA_CPU_AUGMENT_IMAGE_COLOUR_INL
#undef LACUNA_CPU_AUGMENT_IMAGE_COLOUR_INL
#else
#define LACUNA_CPU_AUGMENT_IMAGE_COLOUR_INL
#endif

#include <cstring>

#include "augment_image.h"

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::augment_views::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using DI = hn::RebindToSigned<D>;

HWY_INLINE V clip(D d, V x) { return hn::Min(hn::Max(x, hn::Zero(d)), hn::Set(d, 1.0f)); }

HWY_INLINE V luma(D d, V r, V g, V b) {
  return hn::MulAdd(hn::Set(d, 0.2989f), r,
                    hn::MulAdd(hn::Set(d, 0.587f), g, hn::Mul(hn::Set(d, 0.114f), b)));
}

// Each works on n pixels of p, a plane a channel, in whole vectors.

// f(r, g, b) changes a vector of pixels; of one channel all three are the same.
template <class F>
HWY_INLINE void each_colour(float* const (&p)[3], int channels, int64_t n, F&& f) {
  const D d;
  for (int64_t i = 0; i < n; i += static_cast<int64_t>(hn::Lanes(d))) {
    V r = hn::LoadU(d, p[0] + i), g = hn::LoadU(d, p[1] + i), b = hn::LoadU(d, p[2] + i);
    f(r, g, b);
    if (channels == 3) {
      hn::StoreU(b, d, p[2] + i);
      hn::StoreU(g, d, p[1] + i);
    }
    hn::StoreU(r, d, p[0] + i);
  }
}

// x = clip(factor * x + (1 - factor) * from)
HWY_INLINE void move_from(D d, V from, float factor, V& r, V& g, V& b) {
  const auto f = hn::Set(d, factor), rest = hn::Mul(hn::Set(d, 1 - factor), from);
  r = clip(d, hn::MulAdd(f, r, rest));
  g = clip(d, hn::MulAdd(f, g, rest));
  b = clip(d, hn::MulAdd(f, b, rest));
}

// turn_hue() of augment_image_math.h
HWY_INLINE void turn(D d, float sixths, V& r, V& g, V& b) {
  const auto high = hn::Max(r, hn::Max(g, b)), low = hn::Min(r, hn::Min(g, b));
  const auto range = hn::Sub(high, low), zero = hn::Zero(d), one = hn::Set(d, 1.0f),
             four = hn::Set(d, 4.0f);
  const auto red = hn::Eq(r, high), green = hn::Eq(g, high);
  const auto difference =
      hn::IfThenElse(red, hn::Sub(g, b), hn::IfThenElse(green, hn::Sub(b, r), hn::Sub(r, g)));
  const auto base = hn::IfThenElse(red, zero, hn::IfThenElse(green, hn::Set(d, 2.0f), four));
  const auto hue =
      hn::Add(hn::Add(hn::Div(difference, hn::IfThenElse(hn::Gt(range, zero), range, one)), base),
              hn::Set(d, sixths));
  const auto channel = [&](float n) HWY_ATTR {
    auto k = hn::Add(hue, hn::Set(d, n));
    k = hn::NegMulAdd(hn::Set(d, 6.0f), hn::Floor(hn::Mul(k, hn::Set(d, 1.0f / 6))), k);
    return clip(d, hn::NegMulAdd(range, clip(d, hn::Min(k, hn::Sub(four, k))), high));
  };
  r = channel(5);
  g = channel(3);
  b = channel(1);
}

HWY_INLINE float luma_sum(float* const (&p)[3], int channels, int64_t n) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  for (int64_t i = 0; i < n; i += lanes) {
    const auto r = hn::LoadU(d, p[0] + i);
    const auto l = channels == 1 ? r : luma(d, r, hn::LoadU(d, p[1] + i), hn::LoadU(d, p[2] + i));
    sum = hn::Add(
        sum, i + lanes <= n ? l : hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(n - i)), l));
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

HWY_INLINE void store(float* const (&p)[3], int channels, int64_t n, float solarise, float* out) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto from = hn::Set(d, solarise), one = hn::Set(d, 1.0f);
  const auto load = [&](int c, int64_t i) HWY_ATTR {
    const auto x = hn::LoadU(d, p[c] + i);
    return hn::IfThenElse(hn::Ge(x, from), hn::Sub(one, x), x);
  };
  float last[3 * kPad];
  for (int64_t i = 0; i < n; i += lanes) {
    float* const to = i + lanes <= n ? out + i * channels : last;
    if (channels == 1)
      hn::StoreU(load(0, i), d, to);
    else
      hn::StoreInterleaved3(load(0, i), load(1, i), load(2, i), d, to);
    if (to == last) std::memcpy(out + i * channels, last, (n - i) * channels * sizeof(float));
  }
}

// What is to be done to a view's colours, one after the other.
enum : unsigned { kGrey = augment::kHue + 1, kSum, kStore };
struct Steps {
  unsigned list[8];
  int count = 0;
  void add(unsigned step) { list[count++] = step; }
};

// All steps on a piece of the view, then on the next. Returns the luma's sum for kSum.
HWY_NOINLINE double colours(const Steps& steps, const View& v, float mean, const Work& w,
                            float* out) {
  constexpr int64_t kPiece = 1024;
  const D d;
  double sum = 0;
  for (int64_t at = 0; at < w.pixels; at += kPiece) {
    const int64_t n = HWY_MIN(kPiece, w.pixels - at);
    float* const p[3] = {w.planes[0] + at, w.planes[1] + at, w.planes[2] + at};
    const auto each = [&](auto&& f) HWY_ATTR { each_colour(p, w.channels, n, f); };
    for (int s = 0; s < steps.count; s++) switch (steps.list[s]) {
        case augment::kBrightness:
          each([&](V& r, V& g, V& b)
                   HWY_ATTR { move_from(d, hn::Zero(d), v.brightness, r, g, b); });
          break;
        case augment::kContrast:
          each([&](V& r, V& g, V& b)
                   HWY_ATTR { move_from(d, hn::Set(d, mean), v.contrast, r, g, b); });
          break;
        case augment::kSaturation:
          each([&](V& r, V& g, V& b)
                   HWY_ATTR { move_from(d, luma(d, r, g, b), v.saturation, r, g, b); });
          break;
        case augment::kHue:
          each([&](V& r, V& g, V& b) HWY_ATTR { turn(d, 6 * v.hue, r, g, b); });
          break;
        case kGrey:
          each([&](V& r, V& g, V& b) HWY_ATTR { r = g = b = luma(d, r, g, b); });
          break;
        case kSum:
          sum += luma_sum(p, w.channels, n);
          break;
        case kStore:
          store(p, w.channels, n, v.solarise, out + at * w.channels);
          break;
      }
  }
  return sum;
}

}  // namespace lacuna::cpu::augment_views::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
