// Cross-entropy from logits, on cpu.
//   traffic      forward: the logits once, in one pass (with smoothing in two: a row stays in cache); backward: logits once, dx
//                once
//   numerics     each lane keeps the maximum of what it has seen, and scales its sum anew where that rises (Milakov, Gimelshein
//                2018); max subtracted; log sum exp is kept apart from the max, so that large logits keep their digits; a row's sums
//                are in f32 lanes, the sum over rows in f64
//   determinism  rows are independent, their losses are added in order
#include "../cross_entropy.h"

#include <math.h>  // the scalar target of Highway 1.0.3 wants ::isnan

#include <cmath>
#include <limits>

#include "parallel.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/cross_entropy.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "rows-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::cross_entropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace cpu::HWY_NAMESPACE;

// Of what each lane has seen: its maximum, sum exp(x - shift), and the shift, which is the maximum but never -inf.
struct Running {
  V top, total, shift;
  HWY_INLINE explicit Running(D d)
      : top(hn::Set(d, -std::numeric_limits<float>::infinity())),
        total(hn::Zero(d)),
        shift(hn::Zero(d)) {}
  HWY_INLINE void raise(D d, V higher) {
    if (hn::AllTrue(d, hn::Eq(higher, top))) return;
    const V lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
    shift = hn::IfThenZeroElse(hn::Eq(higher, lowest), higher);
    total = hn::Mul(total, exp_of(d, hn::Sub(top, shift)));
    top = higher;
  }
  HWY_INLINE void add(D d, V v) {
    raise(d, hn::Max(top, v));
    total = hn::Add(total, exp_of(d, hn::Sub(v, shift)));
  }
};

// stats[0] = max x, stats[1] = log sum exp(x - max); returns sum (x - max) where asked for.
HWY_NOINLINE double forward_row(const float* x, size_t n, float* stats, bool want_sum) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  Running run(d);
  size_t j = 0;
  for (; j + 4 * lanes <= n; j += 4 * lanes) {
    const V a = hn::LoadU(d, x + j), b = hn::LoadU(d, x + j + lanes),
            c = hn::LoadU(d, x + j + 2 * lanes), e = hn::LoadU(d, x + j + 3 * lanes);
    run.raise(d, hn::Max(run.top, hn::Max(hn::Max(a, b), hn::Max(c, e))));
    const V first = hn::Add(exp_of(d, hn::Sub(a, run.shift)), exp_of(d, hn::Sub(b, run.shift))),
            second = hn::Add(exp_of(d, hn::Sub(c, run.shift)), exp_of(d, hn::Sub(e, run.shift)));
    run.total = hn::Add(run.total, hn::Add(first, second));
  }
  each_vector(x + j, n - j, -std::numeric_limits<float>::infinity(),
              [&](V v, size_t, size_t) HWY_ATTR { run.add(d, v); });
  const float max = hn::GetLane(hn::MaxOfLanes(d, run.top));
  run.raise(d, hn::Set(d, max));
  stats[0] = max;
  stats[1] = std::log(sum_of(run.total));
  V differences = hn::Zero(d);
  if (want_sum)
    each_vector(x, n, max, [&](V v, size_t, size_t) HWY_ATTR {
      differences = hn::Add(differences, hn::Sub(v, hn::Set(d, max)));
    });
  return sum_of(differences);
}

// dx = g * (exp(x - max - log sum) - less)
HWY_NOINLINE void backward_row(const float* x, float* dx, size_t n, const float* stats, float g,
                               float less) {
  const D d;
  const V max = hn::Set(d, stats[0]), log_sum = hn::Set(d, stats[1]);
  const V scale = hn::Set(d, g), offset = hn::Set(d, less);
  each_vector(x, n, 0, [&](V v, size_t j, size_t count) HWY_ATTR {
    const V p = exp_of(d, hn::Sub(hn::Sub(v, max), log_sum));
    put(d, hn::Mul(scale, hn::Sub(p, offset)), dx + j, count);
  });
}

}  // namespace lacuna::cpu::cross_entropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace cross_entropy {
HWY_EXPORT(forward_row);
HWY_EXPORT(backward_row);
auto forward_kernel() { return HWY_DYNAMIC_DISPATCH(forward_row); }
auto backward_kernel() { return HWY_DYNAMIC_DISPATCH(backward_row); }

double forward_row_f64(const double* x, size_t n, double* stats, bool) {
  double max = -std::numeric_limits<double>::infinity(), sum = 0, differences = 0;
  for (size_t j = 0; j < n; j++) max = x[j] > max ? x[j] : max;
  for (size_t j = 0; j < n; j++) {
    sum += std::exp(x[j] - max);
    differences += x[j] - max;
  }
  stats[0] = max;
  stats[1] = std::log(sum);
  return differences;
}
void backward_row_f64(const double* x, double* dx, size_t n, const double* stats, double g,
                      double less) {
  for (size_t j = 0; j < n; j++) dx[j] = g * (std::exp(x[j] - stats[0] - stats[1]) - less);
}
}  // namespace cross_entropy

namespace {

template <class T, class Kernel>
void forward(const CrossEntropyForward& a, Kernel kernel) {
  const std::int64_t rows = a.logits.dim(0), n = a.logits.dim(1);
  const Scratch<double> losses(rows + 1);
  const double smoothing = a.label_smoothing;
  parallel_for(rows, grain_for(1.0 * n), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; r++) {
      const T* const x = a.logits.as<T>() + r * n;
      T* const stats = a.stats.as<T>() + 2 * r;
      const std::int64_t target = a.targets.as<std::int64_t>()[r];
      losses[r] = 0;
      if (target == a.ignore_index) {
        stats[0] = stats[1] = 0;
        continue;
      }
      LACUNA_CHECK(target >= 0 && target < n, a.op, "a target must be a class from 0 to ", n - 1,
                   " or ignore_index ", a.ignore_index, ": got ", target, " in row ", r);
      const double differences = kernel(x, n, stats, smoothing != 0);
      losses[r] = stats[1] - (1 - smoothing) * (static_cast<double>(x[target]) - stats[0]);
      if (smoothing != 0) losses[r] -= smoothing * differences / static_cast<double>(n);
    }
  });
  double sum = 0;
  std::int64_t count = 0;
  for (std::int64_t r = 0; r < rows; r++) {
    sum += losses[r];
    count += a.targets.as<std::int64_t>()[r] != a.ignore_index;
  }
  const double weight = count ? 1.0 / static_cast<double>(count) : 0;
  *a.weight.as<T>() = static_cast<T>(weight);
  *a.y.as<T>() = static_cast<T>(sum * weight);
}

template <class T, class Kernel>
void backward(const CrossEntropyBackward& a, Kernel kernel) {
  const std::int64_t rows = a.logits.dim(0), n = a.logits.dim(1);
  const T g = *a.dy.as<T>() * *a.weight.as<T>();
  const T less = static_cast<T>(n ? a.label_smoothing / static_cast<double>(n) : 0);
  parallel_for(rows, grain_for(0.7 * n), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; r++) {
      T* const dx = a.dx.as<T>() + r * n;
      const std::int64_t target = a.targets.as<std::int64_t>()[r];
      if (target == a.ignore_index) {
        std::fill_n(dx, n, T(0));
        continue;
      }
      kernel(a.logits.as<T>() + r * n, dx, n, a.stats.as<T>() + 2 * r, g, less);
      dx[target] -= g * static_cast<T>(1 - a.label_smoothing);
    }
  });
}

}  // namespace

void cross_entropy_forward(const CrossEntropyForward& a, Stream) {
  if (a.logits.dtype == Dtype::f32)
    forward<float>(a, cross_entropy::forward_kernel());
  else
    forward<double>(a, cross_entropy::forward_row_f64);
}

void cross_entropy_backward(const CrossEntropyBackward& a, Stream) {
  if (a.logits.dtype == Dtype::f32)
    backward<float>(a, cross_entropy::backward_kernel());
  else
    backward<double>(a, cross_entropy::backward_row_f64);
}

}  // namespace lacuna::cpu
#endif
