// The machine's limits, measured.
#include <time.h>

#include <vector>

#include <lacuna/kernels/cpu/parallel.h>
#include "bench.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "peak.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::bench::peak::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Operations of `rounds` rounds of 12 independent multiply-adds.
HWY_NOINLINE double multiply_adds(int64_t rounds, float* out) {
  const hn::ScalableTag<float> d;
  const auto m = hn::Set(d, 0.999f), a = hn::Set(d, 0.001f);
  hn::Vec<decltype(d)> v[12];
  HWY_UNROLL(12) for (int i = 0; i < 12; i++) v[i] = hn::Set(d, static_cast<float>(i));
  for (int64_t r = 0; r < rounds; r++)
    HWY_UNROLL(12) for (int i = 0; i < 12; i++) v[i] = hn::MulAdd(v[i], m, a);
  auto sum = v[0];
  HWY_UNROLL(12) for (int i = 1; i < 12; i++) sum = hn::Add(sum, v[i]);
  *out = hn::GetLane(sum);
  return 24.0 * static_cast<double>(rounds) * static_cast<double>(hn::Lanes(d));
}

HWY_NOINLINE void copy(const float* from, float* to, int64_t n) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i + lanes <= n; i += lanes) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
}

}  // namespace lacuna::bench::peak::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::bench {
namespace peak {
HWY_EXPORT(multiply_adds);
HWY_EXPORT(copy);
double run_multiply_adds(std::int64_t rounds, float* out) {
  return HWY_DYNAMIC_DISPATCH(multiply_adds)(rounds, out);
}
void run_copy(const float* from, float* to, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(copy)(from, to, n);
}
}  // namespace peak

double now() {
  timespec t;
  clock_gettime(cpu::threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double fma_peak() {
  const int threads = cpu::threads();
  std::vector<double> work(threads);
  std::vector<float> out(threads * 16);
  const double start = now();
  // Four pieces a thread: one thread that is held up for a while does not decide.
  cpu::parallel_for(threads * 4, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i++) {
      const double ops = peak::run_multiply_adds(50000, &out[i % threads * 16]);
      if (i < threads) work[i] = 4 * ops;
    }
  });
  const double seconds = (now() - start);
  double total = 0;
  for (const double w : work) total += w;
  return total / seconds * 1e-9;
}

double copy_bandwidth() {
  constexpr std::int64_t kFloats = std::int64_t{32} << 20;
  static std::vector<float> from(kFloats, 1.0f), to(kFloats);
  const double start = now();
  cpu::parallel_for(kFloats, kFloats / 64, [&](std::int64_t begin, std::int64_t end) {
    peak::run_copy(from.data() + begin, to.data() + begin, end - begin);
  });
  return 8.0 * kFloats / (now() - start) * 1e-9;
}

}  // namespace lacuna::bench
#endif
