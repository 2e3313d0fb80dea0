// What optimizers' loops share, for files that foreach_target.h compiles once an instruction set: include it after <math.h>
// (the scalar target of Highway 1.0.3 wants ::isnan) and highway.h.
#if defined(LACUNA_CPU_OPTIMIZER_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef LACUNA_CPU_OPTIMIZER_INL
#undef LACUNA_CPU_OPTIMIZER_INL
#else
#define LACUNA_CPU_OPTIMIZER_INL
#endif

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// f(vector type, i) for whole vectors of [begin, end), then one element at a time.
template <class T, class F>
HWY_INLINE void each_vector(std::int64_t begin, std::int64_t end, F&& f) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = begin;
  for (; i + lanes <= end; i += lanes) f(d, i);
  for (; i < end; i++) f(hn::CappedTag<T, 1>(), i);
}

/// Independent sums, which the compiler turns into this target's vectors: the adds need not wait for each other.
template <class T>
HWY_INLINE double sum_squares(const T* v, std::int64_t n) {
  constexpr int kSums = 32;
  double sums[kSums] = {};
  std::int64_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (int j = 0; j < kSums; j++) sums[j] += double{v[i + j]} * double{v[i + j]};
  for (; i < n; i++) sums[0] += double{v[i]} * double{v[i]};
  double total = 0;
  for (double s : sums) total += s;
  return total;
}

}  // namespace lacuna::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
