// Winograd's transforms: a column of six (or four, or three) numbers becomes another, first down the columns, then along
// the rows; a vector holds as many channels.
#include "winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/winograd_transform.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::winograd_transform::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// The points are p = sqrt(1/2) and q = sqrt(2), so that (p q)^2 = 1 and p^2 + q^2 = 2.5.
constexpr float kP = 0.70710678f, kQ = 1.41421356f, kP3 = kP / 2, kQ3 = 2 * kQ;

HWY_INLINE V times(float a, V x) { return hn::Mul(hn::Set(D(), a), x); }
HWY_INLINE V add(float a, V x, V y) { return hn::MulAdd(hn::Set(D(), a), x, y); }  // a x + y

// B^T: row k holds the coefficients of the product of (x - point) over the points other than the k-th.
struct Image {
  static constexpr int kIn = 6, kOut = 6;
  template <class In, class Out>
  static HWY_INLINE void line(const In& d, Out& t) {
    t[0] = add(-2.5f, d[2], hn::Add(d[0], d[4]));
    const V near = add(-2.0f, d[2], d[4]), near_odd = times(kP, add(-2.0f, d[1], d[3]));
    t[1] = hn::Add(near, near_odd);
    t[2] = hn::Sub(near, near_odd);
    const V far = add(-0.5f, d[2], d[4]), far_odd = times(kQ, add(-0.5f, d[1], d[3]));
    t[3] = hn::Add(far, far_odd);
    t[4] = hn::Sub(far, far_odd);
    t[5] = add(-2.5f, d[3], hn::Add(d[1], d[5]));
  }
};

// G: the polynomial of kernel g at each point, over what B^T's row gives there.
template <int kSize>
struct Kernel {
  static constexpr int kIn = kSize, kOut = 6;
  template <class In, class Out>
  static HWY_INLINE void line(const In& g, Out& t) {
    t[0] = g[0];
    V even = add(0.5f, g[2], g[0]), odd = times(kP, g[1]);
    if constexpr (kSize == 4) odd = add(kP3, g[3], odd);
    t[1] = times(-2.0f / 3, hn::Add(even, odd));
    t[2] = times(-2.0f / 3, hn::Sub(even, odd));
    even = add(2.0f, g[2], g[0]), odd = times(kQ, g[1]);
    if constexpr (kSize == 4) odd = add(kQ3, g[3], odd);
    t[3] = times(1.0f / 6, hn::Add(even, odd));
    t[4] = times(1.0f / 6, hn::Sub(even, odd));
    t[5] = g[kSize - 1];
  }
};

// A^T: the powers of the points.
template <int kSize>
struct Result {
  static constexpr int kIn = 6, kOut = kSize;
  template <class In, class Out>
  static HWY_INLINE void line(const In& m, Out& y) {
    const V near = hn::Add(m[1], m[2]), near_odd = hn::Sub(m[1], m[2]);
    const V far = hn::Add(m[3], m[4]), far_odd = hn::Sub(m[3], m[4]);
    y[0] = hn::Add(m[0], hn::Add(near, far));
    y[1] = add(kP, near_odd, times(kQ, far_odd));
    y[2] = add(0.5f, near, times(2.0f, far));
    if constexpr (kSize == 4) y[3] = add(kP3, near_odd, add(kQ3, far_odd, m[5]));
    if constexpr (kSize == 3) y[2] = hn::Add(y[2], m[5]);
  }
};

// Of each vector of channels: get(i, j, c), both transforms, put(i, j, c, v).
template <class Line, class Get, class Put>
HWY_INLINE void both_ways(std::int64_t channels, Get get, Put put) {
  constexpr int kIn = Line::kIn, kOut = Line::kOut;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  for (std::int64_t c = 0; c < channels; c += lanes) {
    V half[kOut][kIn];
    HWY_UNROLL(6) for (int j = 0; j < kIn; j++) {
      V in[kIn], out[kOut];
      HWY_UNROLL(6) for (int i = 0; i < kIn; i++) in[i] = get(i, j, c);
      Line::line(in, out);
      HWY_UNROLL(6) for (int i = 0; i < kOut; i++) half[i][j] = out[i];
    }
    HWY_UNROLL(6) for (int i = 0; i < kOut; i++) {
      V out[kOut];
      Line::line(half[i], out);
      HWY_UNROLL(6) for (int j = 0; j < kOut; j++) put(i, j, c, out[j]);
    }
  }
}

template <class Line>
void spread(const float* const* from, std::int64_t channels, float* to, std::int64_t step) {
  both_ways<Line>(
      channels,
      [&](int i, int j, std::int64_t c)
          HWY_ATTR { return hn::LoadU(D(), from[i * Line::kIn + j] + c); },
      [&](int i, int j, std::int64_t c, V v)
          HWY_ATTR { hn::StoreU(v, D(), to + (i * 6 + j) * step + c); });
}

void result(const float* m, std::int64_t step, std::int64_t channels, const float* bias,
            const float* const* residual, bool relu, float* const* y) {
  const V zero = hn::Zero(D());
  both_ways<Result<4>>(
      channels,
      [&](int i, int j, std::int64_t c)
          HWY_ATTR { return hn::LoadU(D(), m + (i * 6 + j) * step + c); },
      [&](int i, int j, std::int64_t c, V v) HWY_ATTR {
        if (residual) v = hn::Add(v, hn::LoadU(D(), residual[i * 4 + j] + c));
        if (bias) v = hn::Add(v, hn::LoadU(D(), bias + c));
        if (relu) v = hn::IfThenElse(hn::Lt(v, zero), zero, v);  // NaN stays NaN
        hn::StoreU(v, D(), y[i * 4 + j] + c);
      });
}

void weight_gradient(const float* m, std::int64_t step, std::int64_t channels, float* const* taps) {
  both_ways<Result<3>>(
      channels,
      [&](int i, int j, std::int64_t c)
          HWY_ATTR { return hn::LoadU(D(), m + (i * 6 + j) * step + c); },
      [&](int i, int j, std::int64_t c, V v) HWY_ATTR { hn::StoreU(v, D(), taps[i * 3 + j] + c); });
}

const WinogradTransforms& get() {
  static const WinogradTransforms all{spread<Image>, spread<Kernel<3>>, spread<Kernel<4>>, result,
                                      weight_gradient};
  return all;
}

}  // namespace lacuna::cpu::winograd_transform::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace winograd_transform {
HWY_EXPORT(get);
const WinogradTransforms& best() { return HWY_DYNAMIC_DISPATCH(get)(); }
}  // namespace winograd_transform

const WinogradTransforms& winograd_transforms() { return winograd_transform::best(); }

}  // namespace lacuna::cpu
#endif
