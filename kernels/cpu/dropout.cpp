// Dropout, on cpu.
//   traffic      x once, y once; words are drawn a few vectors at a time, so that x and y are under way meanwhile
//   determinism  yes: elements are independent
#include "../dropout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/dropout.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "draw-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::HWY_NAMESPACE {

// Kept where the word is at most `last`.
template <class T>
HWY_INLINE void keep_some(T* y, const T* x, const Run& run, RandomKey key, std::uint32_t last,
                          T scale) {
  alignas(64) std::uint32_t words[kGroup];
  const auto some = [&](std::int64_t first, std::int64_t count) HWY_ATTR {
    for (std::int64_t i = 0; i < count; i++)
      y[first + i] = words[i] <= last ? x[first + i] * scale : T(0);
  };
  draw_groups(
      key, run, [&](std::int64_t) HWY_ATTR { return words; },
      [&](std::int64_t done, std::int64_t count) HWY_ATTR {
        if (done + count <= run.count)
          some(done, count);
        else
          some(done, run.count - done);
      });
}

void dropout_f32(float* y, const float* x, const Run& run, RandomKey key, std::uint32_t last,
                 float scale) {
  keep_some(y, x, run, key, last, scale);
}
void dropout_f64(double* y, const double* x, const Run& run, RandomKey key, std::uint32_t last,
                 double scale) {
  keep_some(y, x, run, key, last, scale);
}

}  // namespace lacuna::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {

HWY_EXPORT(dropout_f32);
HWY_EXPORT(dropout_f64);

void dropout(const Dropout& a, Stream) {
  const BernoulliThreshold keep(1 - a.p);
  const std::int64_t rows = a.x.dim(0), n = rows ? a.x.size() / rows : 0;
  const auto last = static_cast<std::uint32_t>(keep.below - 1);
  const double scale = 1 / (1 - a.p);
  each_run(rows, n, a.ids, [&](const Run& run) {
    if (a.x.dtype == Dtype::f32) {
      float* const y = a.y.as<float>() + run.at;
      if (keep.below == 0)
        std::fill_n(y, run.count, 0.0f);
      else
        HWY_DYNAMIC_DISPATCH(dropout_f32)
      (y, a.x.as<float>() + run.at, run, a.key, last, static_cast<float>(scale));
    } else {
      double* const y = a.y.as<double>() + run.at;
      if (keep.below == 0)
        std::fill_n(y, run.count, 0.0);
      else
        HWY_DYNAMIC_DISPATCH(dropout_f64)(y, a.x.as<double>() + run.at, run, a.key, last, scale);
    }
  });
}

}  // namespace lacuna::cpu
#endif
