// Normalisation of rows, on cpu.
//   traffic      each array once from memory: a row stays in L1 or L2 for its passes
//   numerics     f32 sums in vector lanes; variance in two passes; gradients of gamma and beta by way of at most 32 rows in f32
//   determinism  rows are independent; gradients of gamma and beta are summed by chunks of rows that the shape decides
#include "../layer_norm.h"

#include <math.h>

#include <algorithm>
#include <cmath>

#include "parallel.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/layer_norm.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "rows-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::layer_norm::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace cpu::HWY_NAMESPACE;

// An absent gamma (beta) is 1 (0).
HWY_INLINE V or_constant(D d, const float* p, size_t j, size_t count, float constant) {
  return p ? get(d, p + j, count) : hn::Set(d, constant);
}

void forward_row(const float* x, float* y, size_t n, const float* gamma, const float* beta,
                 float eps, float* stats) {
  const D d;
  const Moments moments = moments_of(x, n);
  const float rstd = 1 / std::sqrt(moments.squares / static_cast<float>(n) + eps);
  const V m = hn::Set(d, moments.mean);
  const V r = hn::Set(d, rstd);
  each_vector(x, n, 0, [&](V v, size_t j, size_t count) HWY_ATTR {
    const V hat = hn::Mul(hn::Sub(v, m), r);
    put(d, hn::MulAdd(hat, or_constant(d, gamma, j, count, 1), or_constant(d, beta, j, count, 0)),
        y + j, count);
  });
  stats[0] = moments.mean;
  stats[1] = rstd;
}

// Adds the row's share to dgamma and dbeta, where given.
void backward_row(const float* x, const float* dy, float* dx, size_t n, const float* gamma,
                  const float* stats, float* dgamma, float* dbeta) {
  const D d;
  const V m = hn::Set(d, stats[0]), r = hn::Set(d, stats[1]);
  V plain = hn::Zero(d), weighted = hn::Zero(d);
  each_vector(dy, n, 0, [&](V up, size_t j, size_t count) HWY_ATTR {
    const V hat = hn::Mul(hn::Sub(get(d, x + j, count), m), r);
    const V g = hn::Mul(up, or_constant(d, gamma, j, count, 1));
    plain = hn::Add(plain, g);
    weighted = hn::MulAdd(g, hat, weighted);
    if (dgamma) {
      put(d, hn::MulAdd(up, hat, get(d, dgamma + j, count)), dgamma + j, count);
      put(d, hn::Add(up, get(d, dbeta + j, count)), dbeta + j, count);
    }
  });
  const float size = static_cast<float>(n);
  const V a = hn::Set(d, sum_of(plain) / size), b = hn::Set(d, sum_of(weighted) / size);
  each_vector(dy, n, 0, [&](V up, size_t j, size_t count) HWY_ATTR {
    const V hat = hn::Mul(hn::Sub(get(d, x + j, count), m), r);
    const V g = hn::Mul(up, or_constant(d, gamma, j, count, 1));
    put(d, hn::Mul(r, hn::NegMulAdd(hat, b, hn::Sub(g, a))), dx + j, count);
  });
}

void l2_forward_row(const float* x, float* y, size_t n, float eps, float* norm) {
  const D d;
  V squares = hn::Zero(d);
  each_vector(x, n, 0, [&](V v, size_t, size_t) HWY_ATTR { squares = hn::MulAdd(v, v, squares); });
  *norm = std::sqrt(sum_of(squares));
  const V scale = hn::Set(d, 1 / std::max(*norm, eps));
  each_vector(x, n, 0, [&](V v, size_t j, size_t count) HWY_ATTR {
    put(d, hn::Mul(v, scale), y + j, count);
  });
}

void l2_backward_row(const float* y, const float* dy, float* dx, size_t n, float eps, float norm) {
  const D d;
  V dot = hn::Zero(d);
  if (!(norm < eps))
    each_vector(dy, n, 0, [&](V g, size_t j, size_t count) HWY_ATTR {
      dot = hn::MulAdd(g, get(d, y + j, count), dot);
    });
  const V along = hn::Set(d, sum_of(dot)), scale = hn::Set(d, 1 / std::max(norm, eps));
  each_vector(dy, n, 0, [&](V g, size_t j, size_t count) HWY_ATTR {
    put(d, hn::Mul(scale, hn::NegMulAdd(get(d, y + j, count), along, g)), dx + j, count);
  });
}

}  // namespace lacuna::cpu::layer_norm::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace layer_norm {
HWY_EXPORT(forward_row);
HWY_EXPORT(backward_row);
HWY_EXPORT(l2_forward_row);
HWY_EXPORT(l2_backward_row);
auto forward_kernel(float) { return HWY_DYNAMIC_DISPATCH(forward_row); }
auto backward_kernel(float) { return HWY_DYNAMIC_DISPATCH(backward_row); }
auto l2_forward_kernel(float) { return HWY_DYNAMIC_DISPATCH(l2_forward_row); }
auto l2_backward_kernel(float) { return HWY_DYNAMIC_DISPATCH(l2_backward_row); }

// The same in f64, plainly.
void forward_row_f64(const double* x, double* y, size_t n, const double* gamma, const double* beta,
                     double eps, double* stats) {
  double mean = 0, squares = 0;
  for (size_t j = 0; j < n; j++) mean += x[j];
  mean /= static_cast<double>(n);
  for (size_t j = 0; j < n; j++) squares += (x[j] - mean) * (x[j] - mean);
  const double rstd = 1 / std::sqrt(squares / static_cast<double>(n) + eps);
  for (size_t j = 0; j < n; j++)
    y[j] = (x[j] - mean) * rstd * (gamma ? gamma[j] : 1) + (beta ? beta[j] : 0);
  stats[0] = mean;
  stats[1] = rstd;
}
void backward_row_f64(const double* x, const double* dy, double* dx, size_t n, const double* gamma,
                      const double* stats, double* dgamma, double* dbeta) {
  const double size = static_cast<double>(n);
  double plain = 0, weighted = 0;
  for (size_t j = 0; j < n; j++) {
    const double hat = (x[j] - stats[0]) * stats[1], g = dy[j] * (gamma ? gamma[j] : 1);
    plain += g / size;
    weighted += g * hat / size;
    if (dgamma) {
      dgamma[j] += dy[j] * hat;
      dbeta[j] += dy[j];
    }
  }
  for (size_t j = 0; j < n; j++) {
    const double hat = (x[j] - stats[0]) * stats[1], g = dy[j] * (gamma ? gamma[j] : 1);
    dx[j] = stats[1] * (g - plain - hat * weighted);
  }
}
void l2_forward_row_f64(const double* x, double* y, size_t n, double eps, double* norm) {
  double squares = 0;
  for (size_t j = 0; j < n; j++) squares += x[j] * x[j];
  *norm = std::sqrt(squares);
  for (size_t j = 0; j < n; j++) y[j] = x[j] / std::max(*norm, eps);
}
void l2_backward_row_f64(const double* y, const double* dy, double* dx, size_t n, double eps,
                         double norm) {
  double along = 0;
  if (!(norm < eps))
    for (size_t j = 0; j < n; j++) along += dy[j] * y[j];
  for (size_t j = 0; j < n; j++) dx[j] = (dy[j] - y[j] * along) / std::max(norm, eps);
}
auto forward_kernel(double) { return forward_row_f64; }
auto backward_kernel(double) { return backward_row_f64; }
auto l2_forward_kernel(double) { return l2_forward_row_f64; }
auto l2_backward_kernel(double) { return l2_backward_row_f64; }
}  // namespace layer_norm

namespace {

template <class T>
void norm_forward(const LayerNormForward& a, T zero) {
  const auto kernel = layer_norm::forward_kernel(zero);
  const std::int64_t n = a.x.dim(1);
  parallel_for(a.x.dim(0), grain_for(0.5 * n), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; r++)
      kernel(a.x.as<T>() + r * n, a.y.as<T>() + r * n, n, a.gamma.as<T>(), a.beta.as<T>(),
             static_cast<T>(a.eps), a.stats.as<T>() + 2 * r);
  });
}

template <class T>
void norm_backward(const LayerNormBackward& a, T zero) {
  constexpr std::int64_t kRows = 32;  // of T before f64
  const auto kernel = layer_norm::backward_kernel(zero);
  const std::int64_t rows = a.x.dim(0), n = a.x.dim(1);
  const bool affine = static_cast<bool>(a.dgamma);
  // Chunks of at least 64 rows, at most 64 of them: each has sums of its own, 2 n in f64.
  const std::int64_t chunk = std::max<std::int64_t>(64, (rows + 63) / 64);
  const std::int64_t chunks = (rows + chunk - 1) / chunk;
  const Scratch<double> sums(affine ? chunks * 2 * n : 0);
  parallel_for(rows, chunk, [&](std::int64_t begin, std::int64_t end) {
    double* const sum = sums.data() + (affine ? begin / chunk * 2 * n : 0);
    const Scratch<T> block(affine ? 2 * n : 0);
    if (affine) std::fill_n(sum, 2 * n, 0.0);
    for (std::int64_t from = begin; from < end; from += kRows) {
      if (affine) std::fill_n(block.data(), 2 * n, T(0));
      for (std::int64_t r = from; r < std::min(from + kRows, end); r++)
        kernel(a.x.as<T>() + r * n, a.dy.as<T>() + r * n, a.dx.as<T>() + r * n, n, a.gamma.as<T>(),
               a.stats.as<T>() + 2 * r, affine ? block.data() : nullptr,
               affine ? block.data() + n : nullptr);
      if (affine)
        for (std::int64_t j = 0; j < 2 * n; j++) sum[j] += block[j];
    }
  });
  if (!affine) return;
  for (std::int64_t j = 0; j < n; j++) {
    double gamma = 0, beta = 0;
    for (std::int64_t c = 0; c < chunks; c++) {
      gamma += sums[(2 * c) * n + j];
      beta += sums[(2 * c + 1) * n + j];
    }
    a.dgamma.as<T>()[j] = static_cast<T>(gamma);
    a.dbeta.as<T>()[j] = static_cast<T>(beta);
  }
}

template <class T>
void l2_forward(const L2NormaliseForward& a, T zero) {
  const auto kernel = layer_norm::l2_forward_kernel(zero);
  const std::int64_t n = a.x.dim(1);
  parallel_for(a.x.dim(0), grain_for(0.3 * n), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; r++)
      kernel(a.x.as<T>() + r * n, a.y.as<T>() + r * n, n, static_cast<T>(a.eps),
             a.norms.as<T>() + r);
  });
}

template <class T>
void l2_backward(const L2NormaliseBackward& a, T zero) {
  const auto kernel = layer_norm::l2_backward_kernel(zero);
  const std::int64_t n = a.y.dim(1);
  parallel_for(a.y.dim(0), grain_for(0.3 * n), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; r++)
      kernel(a.y.as<T>() + r * n, a.dy.as<T>() + r * n, a.dx.as<T>() + r * n, n,
             static_cast<T>(a.eps), a.norms.as<T>()[r]);
  });
}

}  // namespace

void layer_norm_forward(const LayerNormForward& a, Stream) {
  dispatch_float(a.x.dtype, [&](auto zero) { norm_forward(a, zero); });
}
void layer_norm_backward(const LayerNormBackward& a, Stream) {
  dispatch_float(a.x.dtype, [&](auto zero) { norm_backward(a, zero); });
}
void l2_normalise_forward(const L2NormaliseForward& a, Stream) {
  dispatch_float(a.x.dtype, [&](auto zero) { l2_forward(a, zero); });
}
void l2_normalise_backward(const L2NormaliseBackward& a, Stream) {
  dispatch_float(a.y.dtype, [&](auto zero) { l2_backward(a, zero); });
}

}  // namespace lacuna::cpu
#endif
