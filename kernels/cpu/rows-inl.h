// Loops over the f32 vectors of a row, its tail included, for files that foreach_target.h compiles once an instruction set:
// include it after <math.h> (the scalar target of Highway 1.0.3 wants ::isnan) and highway.h.
#if defined(LACUNA_CPU_ROWS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef LACUNA_CPU_ROWS_INL
#undef LACUNA_CPU_ROWS_INL
#else
#define LACUNA_CPU_ROWS_INL
#endif

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

/// `count` lanes from p; those beyond are `fill`.
HWY_INLINE V get(D d, const float* p, size_t count, float fill = 0) {
  if (count == hn::Lanes(d)) return hn::LoadU(d, p);
  const auto inside = hn::FirstN(d, count);
  return hn::IfThenElse(inside, hn::MaskedLoad(inside, d, p), hn::Set(d, fill));
}

/// Writes the first `count` lanes.
HWY_INLINE void put(D d, V v, float* p, size_t count) {
  if (count == hn::Lanes(d))
    hn::StoreU(v, d, p);
  else
    hn::BlendedStore(v, hn::FirstN(d, count), d, p);
}

/// f(vector, index of its first element, number of its elements) over x[0 .. n).
template <class F>
HWY_INLINE void each_vector(const float* x, size_t n, float fill, F&& f) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  size_t j = 0;
  for (; j + lanes <= n; j += lanes) f(hn::LoadU(d, x + j), j, lanes);
  if (j < n) f(get(d, x + j, n - j, fill), j, n - j);
}

/// e^v by the formula of math::exp (math.h): relative error below 2e-7; 0 below about -87.7, inf above about 88.4, NaN for
/// NaN.
HWY_INLINE V exp_of(D d, V v) {
  const hn::RebindToSigned<D> di;
  const V x = hn::Min(hn::Max(v, hn::Set(d, -88.0f)), hn::Set(d, 89.0f));
  const V magic = hn::Set(d, 12582912.0f);  // 1.5 * 2^23: the integer is in the low bits
  const V shifted = hn::MulAdd(x, hn::Set(d, 1.44269504f), magic), n = hn::Sub(shifted, magic);
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::MulAdd(n, hn::Set(d, 2.12194440e-4f), r);
  V p = hn::Set(d, 1.9875691500e-4f);
  p = hn::MulAdd(p, r, hn::Set(d, 1.3981999507e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 8.3334519073e-3f));
  p = hn::MulAdd(p, r, hn::Set(d, 4.1665795894e-2f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.6666665459e-1f));
  p = hn::MulAdd(p, r, hn::Set(d, 5.0000001201e-1f));
  p = hn::Add(hn::MulAdd(p, hn::Mul(r, r), r), hn::Set(d, 1.0f));
  const auto power = hn::Add(hn::ShiftLeft<23>(hn::BitCast(di, shifted)), hn::Set(di, 127 << 23));
  return hn::IfThenElse(hn::IsNaN(v), v, hn::Mul(p, hn::BitCast(d, power)));
}

HWY_INLINE float sum_of(V v) {
  const D d;
  return hn::GetLane(hn::SumOfLanes(d, v));
}

struct Moments {
  float mean, squares;  // squares: sum of (x - mean)^2
};
HWY_INLINE Moments moments_of(const float* x, size_t n) {
  const D d;
  V total = hn::Zero(d), squares = hn::Zero(d);
  each_vector(x, n, 0, [&](V v, size_t, size_t) HWY_ATTR { total = hn::Add(total, v); });
  const float mean = sum_of(total) / static_cast<float>(n);
  const V m = hn::Set(d, mean);
  each_vector(x, n, mean, [&](V v, size_t, size_t) HWY_ATTR {
    const V u = hn::Sub(v, m);
    squares = hn::MulAdd(u, u, squares);
  });
  return {mean, sum_of(squares)};
}

}  // namespace lacuna::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
