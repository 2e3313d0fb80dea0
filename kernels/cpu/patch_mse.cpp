// The masked loss of patches, on cpu.
//   traffic      forward: hidden patches of both arrays once; backward: the same, and the gradient written once
//   numerics     f32 sums in vector lanes; variance in two passes; patches are added up in f64
//   determinism  patches are independent, their losses are added in order
#include "../patch_mse.h"

#include <math.h>

#include <algorithm>
#include <cmath>

#include "parallel.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/patch_mse.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "rows-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::patch_mse::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace cpu::HWY_NAMESPACE;

void moments_row(const float* t, size_t n, float eps, float* stats) {
  const Moments moments = moments_of(t, n);
  stats[0] = moments.mean;
  stats[1] = 1 / std::sqrt(moments.squares / static_cast<float>(n - 1) + eps);
}

// prediction - (t - mean) * rstd
HWY_INLINE V error(D d, const float* prediction, V t, size_t j, size_t count, const float* stats) {
  const V hat = hn::Mul(hn::Sub(t, hn::Set(d, stats[0])), hn::Set(d, stats[1]));
  return hn::Sub(get(d, prediction + j, count), hat);
}

float loss_row(const float* prediction, const float* t, size_t n, const float* stats) {
  const D d;
  V squares = hn::Zero(d);
  each_vector(t, n, stats[0], [&](V v, size_t j, size_t count) HWY_ATTR {
    const V e = error(d, prediction, v, j, count, stats);
    squares = hn::MulAdd(e, e, squares);
  });
  return sum_of(squares) / static_cast<float>(n);
}

void backward_row(const float* prediction, const float* t, float* out, size_t n, const float* stats,
                  float scale) {
  const D d;
  const V s = hn::Set(d, scale);
  each_vector(t, n, 0, [&](V v, size_t j, size_t count) HWY_ATTR {
    put(d, hn::Mul(s, error(d, prediction, v, j, count, stats)), out + j, count);
  });
}

}  // namespace lacuna::cpu::patch_mse::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace patch_mse {
HWY_EXPORT(moments_row);
HWY_EXPORT(loss_row);
HWY_EXPORT(backward_row);
auto moments_kernel(float) { return HWY_DYNAMIC_DISPATCH(moments_row); }
auto loss_kernel(float) { return HWY_DYNAMIC_DISPATCH(loss_row); }
auto backward_kernel(float) { return HWY_DYNAMIC_DISPATCH(backward_row); }

// The same in f64, plainly.
void moments_row_f64(const double* t, size_t n, double eps, double* stats) {
  double mean = 0, squares = 0;
  for (size_t j = 0; j < n; j++) mean += t[j];
  mean /= static_cast<double>(n);
  for (size_t j = 0; j < n; j++) squares += (t[j] - mean) * (t[j] - mean);
  stats[0] = mean;
  stats[1] = 1 / std::sqrt(squares / static_cast<double>(n - 1) + eps);
}
double loss_row_f64(const double* prediction, const double* t, size_t n, const double* stats) {
  double squares = 0;
  for (size_t j = 0; j < n; j++) {
    const double e = prediction[j] - (t[j] - stats[0]) * stats[1];
    squares += e * e;
  }
  return squares / static_cast<double>(n);
}
void backward_row_f64(const double* prediction, const double* t, double* out, size_t n,
                      const double* stats, double scale) {
  for (size_t j = 0; j < n; j++) out[j] = scale * (prediction[j] - (t[j] - stats[0]) * stats[1]);
}
auto moments_kernel(double) { return moments_row_f64; }
auto loss_kernel(double) { return loss_row_f64; }
auto backward_kernel(double) { return backward_row_f64; }
}  // namespace patch_mse

namespace {

template <class T>
void forward(const PatchMseForward& a, T zero) {
  const auto moments = patch_mse::moments_kernel(zero);
  const auto loss = patch_mse::loss_kernel(zero);
  const std::int64_t rows = a.prediction.dim(0), n = a.prediction.dim(1);
  const std::uint8_t* const hidden = a.hidden.as<std::uint8_t>();
  const Scratch<double> losses(rows + 1);
  parallel_for(rows, grain_for(0.5 * static_cast<double>(n)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t r = begin; r < end; r++) {
                   T* const stats = a.stats.as<T>() + 2 * r;
                   const T* const target = a.target.as<T>() + r * n;
                   stats[0] = 0;
                   stats[1] = 1;
                   losses[r] = 0;
                   if (!hidden[r]) continue;
                   if (a.normalise) moments(target, n, static_cast<T>(a.eps), stats);
                   losses[r] = loss(a.prediction.as<T>() + r * n, target, n, stats);
                 }
               });
  double sum = 0;
  std::int64_t count = 0;
  for (std::int64_t r = 0; r < rows; r++) {
    sum += losses[r];
    count += hidden[r] != 0;
  }
  const double weight = count ? 1.0 / static_cast<double>(count) : 0;
  *a.weight.as<T>() = static_cast<T>(weight);
  *a.y.as<T>() = static_cast<T>(sum * weight);
}

template <class T>
void backward(const PatchMseBackward& a, T zero) {
  const auto kernel = patch_mse::backward_kernel(zero);
  const std::int64_t rows = a.prediction.dim(0), n = a.prediction.dim(1);
  const T scale = *a.dy.as<T>() * *a.weight.as<T>() * 2 / static_cast<T>(n);
  parallel_for(rows, grain_for(0.5 * static_cast<double>(n)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t r = begin; r < end; r++) {
                   T* const out = a.dprediction.as<T>() + r * n;
                   if (a.hidden.as<std::uint8_t>()[r])
                     kernel(a.prediction.as<T>() + r * n, a.target.as<T>() + r * n, out, n,
                            a.stats.as<T>() + 2 * r, scale);
                   else
                     std::fill_n(out, n, T(0));
                 }
               });
}

}  // namespace

void patch_mse_forward(const PatchMseForward& a, Stream) {
  dispatch_float(a.prediction.dtype, [&](auto zero) { forward(a, zero); });
}
void patch_mse_backward(const PatchMseBackward& a, Stream) {
  dispatch_float(a.prediction.dtype, [&](auto zero) { backward(a, zero); });
}

}  // namespace lacuna::cpu
#endif
