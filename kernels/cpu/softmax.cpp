// Softmax over the last axis, on cpu.
//   traffic   forward: one read of x from memory, one write of y (the row stays in L1 or L2 for its three passes)
//   numerics  max subtracted, f32 sums in vector lanes; the order of a row's sum depends on the vector width only
//   f64       a plain loop: the reference that every other kernel is held against
#include "../softmax.h"

#include <math.h>  // the scalar target of Highway 1.0.3 wants ::isnan

#include <cmath>
#include <limits>

#include "parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/softmax.cpp"
// clang-format off
#include <hwy/foreach_target.h>  // first: includes this file once a target
#include <hwy/highway.h>
#include "rows-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::softmax::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace cpu::HWY_NAMESPACE;

HWY_NOINLINE void forward_row(const float* x, float* y, size_t n, bool log) {
  const D d;
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  V top = hn::Set(d, kLowest);
  each_vector(x, n, kLowest, [&](V v, size_t, size_t) HWY_ATTR { top = hn::Max(top, v); });
  const float max = hn::GetLane(hn::MaxOfLanes(d, top));
  if (max == kLowest || max != max) {  // every entry is masked out, or NaN
    float value = log ? kLowest : 0.0f;
    for (size_t j = 0; j < n; j++) value = x[j] != x[j] ? x[j] : value;
    for (size_t j = 0; j < n; j++) y[j] = value;
    return;
  }
  const V shift = hn::Set(d, max);
  V total = hn::Zero(d);
  each_vector(x, n, kLowest, [&](V v, size_t j, size_t count) HWY_ATTR {
    const V e = exp_of(d, hn::Sub(v, shift));
    total = hn::Add(total, e);
    if (!log) put(d, e, y + j, count);
  });
  const float sum = sum_of(total);
  if (log) {
    const V offset = hn::Set(d, max + std::log(sum));
    each_vector(x, n, 0, [&](V v, size_t j, size_t count) HWY_ATTR {
      put(d, hn::Sub(v, offset), y + j, count);
    });
  } else {
    const V scale = hn::Set(d, 1.0f / sum);
    each_vector(y, n, 0, [&](V v, size_t j, size_t count) HWY_ATTR {
      put(d, hn::Mul(v, scale), y + j, count);
    });
  }
}

HWY_NOINLINE void backward_row(const float* y, const float* dy, float* dx, size_t n, bool log) {
  const D d;
  V total = hn::Zero(d);
  each_vector(dy, n, 0, [&](V g, size_t j, size_t count) HWY_ATTR {
    total = log ? hn::Add(total, g) : hn::MulAdd(g, get(d, y + j, count), total);
  });
  const V sum = hn::Set(d, sum_of(total));
  each_vector(dy, n, 0, [&](V g, size_t j, size_t count) HWY_ATTR {
    const V v = get(d, y + j, count);
    put(d, log ? hn::NegMulAdd(exp_of(d, v), sum, g) : hn::Mul(v, hn::Sub(g, sum)), dx + j, count);
  });
}

}  // namespace lacuna::cpu::softmax::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace softmax {
HWY_EXPORT(forward_row);
HWY_EXPORT(backward_row);
auto forward_kernel() {
  return HWY_DYNAMIC_DISPATCH(forward_row);
}  // the best that this machine runs
auto backward_kernel() { return HWY_DYNAMIC_DISPATCH(backward_row); }
}  // namespace softmax

namespace {

void forward_row_f64(const double* x, double* y, std::int64_t n, bool log) {
  double max = -std::numeric_limits<double>::infinity(), sum = 0;
  for (std::int64_t j = 0; j < n; j++) max = x[j] > max ? x[j] : max;
  bool masked = max == -std::numeric_limits<double>::infinity();
  for (std::int64_t j = 0; j < n; j++) masked = masked && x[j] == x[j];  // NaN makes the row NaN
  for (std::int64_t j = 0; j < n; j++) sum += masked ? 0 : std::exp(x[j] - max);
  for (std::int64_t j = 0; j < n; j++)
    y[j] = log ? (masked ? max : x[j] - max - std::log(sum))
               : (masked ? 0 : std::exp(x[j] - max) / sum);
}

void backward_row_f64(const double* y, const double* dy, double* dx, std::int64_t n, bool log) {
  double sum = 0;
  for (std::int64_t j = 0; j < n; j++) sum += log ? dy[j] : dy[j] * y[j];
  for (std::int64_t j = 0; j < n; j++)
    dx[j] = log ? dy[j] - std::exp(y[j]) * sum : y[j] * (dy[j] - sum);
}

}  // namespace

void softmax_forward(const SoftmaxForward& a, Stream) {
  const std::int64_t n = a.x.dim(-1), rows = n ? a.x.size() / n : 0;
  const auto kernel = softmax::forward_kernel();
  parallel_for(rows, grain_for(0.5 * n), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; r++) {
      if (a.x.dtype == Dtype::f64)
        forward_row_f64(a.x.as<double>() + r * n, a.y.as<double>() + r * n, n, a.log);
      else
        kernel(a.x.as<float>() + r * n, a.y.as<float>() + r * n, n, a.log);
    }
  });
}

void softmax_backward(const SoftmaxBackward& a, Stream) {
  const std::int64_t n = a.y.dim(-1), rows = n ? a.y.size() / n : 0;
  const auto kernel = softmax::backward_kernel();
  parallel_for(rows, grain_for(0.5 * n), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; r++) {
      const std::int64_t o = r * n;
      if (a.y.dtype == Dtype::f64)
        backward_row_f64(a.y.as<double>() + o, a.dy.as<double>() + o, a.dx.as<double>() + o, n,
                         a.log);
      else
        kernel(a.y.as<float>() + o, a.dy.as<float>() + o, a.dx.as<float>() + o, n, a.log);
    }
  });
}

}  // namespace lacuna::cpu
#endif
