#pragma once
// Elementary functions for elementwise kernels. f64 is the C library's: the reference. f32 is our own, in straight-line
// arithmetic, so that the compiler turns a loop of them into vectors and every device computes the same formula.
// Errors (against f64, checked by tests/core/math.cpp) stand beside each.
#include <cmath>

#include "dtype.h"

#if defined(__GNUC__) && !defined(__CUDACC__)
#define LACUNA_MATH LACUNA_HD inline __attribute__((always_inline))
#else
#define LACUNA_MATH LACUNA_HD inline
#endif

namespace lacuna::math {

namespace detail {
LACUNA_MATH float float_of(std::int32_t bits) {
  float f;
  memcpy(&f, &bits, 4);
  return f;
}
LACUNA_MATH std::int32_t bits_of(float f) {
  std::int32_t bits;
  memcpy(&bits, &f, 4);
  return bits;
}
}  // namespace detail

LACUNA_MATH double exp(double x) { return std::exp(x); }
LACUNA_MATH double log(double x) { return std::log(x); }
LACUNA_MATH double log1p(double x) { return std::log1p(x); }
LACUNA_MATH double sqrt(double x) { return std::sqrt(x); }
LACUNA_MATH double sin(double x) { return std::sin(x); }
LACUNA_MATH double cos(double x) { return std::cos(x); }
LACUNA_MATH double tanh(double x) { return std::tanh(x); }
LACUNA_MATH double erf(double x) { return std::erf(x); }
LACUNA_MATH double pow(double x, double y) { return std::pow(x, y); }
LACUNA_MATH float sqrt(float x) { return std::sqrt(x); }
LACUNA_MATH float sin(float x) { return std::sin(x); }
LACUNA_MATH float cos(float x) { return std::cos(x); }
LACUNA_MATH float pow(float x, float y) { return std::pow(x, y); }

/// Relative error below 2e-7 where the result is a normal number; 0 below that range, inf above it, NaN for NaN.
/// exp(x) = 2^n * exp(r), n = round(x / ln 2), |r| <= ln(2)/2, by a polynomial of degree 6 (Cephes' expf).
LACUNA_MATH float exp(float x) {
  const float low = x < -87.33654f ? -87.33654f : x;
  const float clamped = low > 88.02969f ? 88.02969f : low;
  const float shifted =
      clamped * 1.44269504f + 12582912.0f;  // 1.5 * 2^23: the integer is in the low bits
  const float n = shifted - 12582912.0f;
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const float y = p * detail::float_of((detail::bits_of(shifted) << 23) + (127 << 23));
  const float over = x > 88.72283f   ? detail::float_of(0x7f800000)
                     : x > 88.02969f ? y * (1 + (x - 88.02969f))
                                     : y;
  return x < -87.33654f ? 0.0f : x == x ? over : x;
}

/// Relative error below 2e-7 (absolute 1e-7 near 1); -inf at 0, NaN below, inf at inf. Denormals count as 0.
/// log(x) = e ln 2 + log(m), m in [sqrt(1/2), sqrt(2)), by a polynomial of degree 8 (Cephes' logf).
LACUNA_MATH float log(float x) {
  const std::int32_t bits = detail::bits_of(x);
  const auto raised = static_cast<std::int32_t>(static_cast<std::uint32_t>(bits) -
                                                0x3f3504f3u);  // how far above sqrt(1/2)
  const float e = static_cast<float>(raised >> 23);
  const float m = detail::float_of((raised & 0x007fffff) + 0x3f3504f3) - 1.0f;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const float m2 = m * m;
  const float y = (p * m * m2 - 2.12194440e-4f * e - 0.5f * m2 + m) + 0.693359375f * e;
  const float positive = x < 1.17549435e-38f ? -detail::float_of(0x7f800000) : x > 3.4e38f ? x : y;
  return x < 0 ? detail::float_of(0x7fc00000) : x == x ? positive : x;
}

/// log(1 + x) for x > -1: relative error below 4e-7. What rounding 1 + x lost is put back to first order.
LACUNA_MATH float log1p(float x) {
  const float s = 1 + x;
  return log(s) + (x - (s - 1)) / s;
}

/// Absolute error below 3e-7. A rational approximation of degree 13/6 on [-9, 9] (Eigen's, after Cody and Waite).
LACUNA_MATH float tanh(float x) {
  const float low = x < -7.90531110763549805f ? -7.90531110763549805f : x;
  const float c = low > 7.90531110763549805f ? 7.90531110763549805f : low;
  const float s = c * c;
  float p = -2.76076847742355e-16f;
  p = p * s + 2.00018790482477e-13f;
  p = p * s - 8.60467152213735e-11f;
  p = p * s + 5.12229709037114e-08f;
  p = p * s + 1.48572235717979e-05f;
  p = p * s + 6.37261928875436e-04f;
  p = p * s + 4.89352455891786e-03f;
  float q = 1.19825839466702e-06f;
  q = q * s + 1.18534705686654e-04f;
  q = q * s + 2.26843463243900e-03f;
  q = q * s + 4.89352518554385e-03f;
  return c * p / q;
}

/// Absolute error below 5e-7. A rational approximation of degree 13/8 on [-4, 4] (Eigen's).
LACUNA_MATH float erf(float x) {
  const float low = x < -4.0f ? -4.0f : x;
  const float c = low > 4.0f ? 4.0f : low;
  const float s = c * c;
  float p = -2.72614225801306e-10f;
  p = p * s + 2.77068142495902e-08f;
  p = p * s - 2.10102402082508e-06f;
  p = p * s - 5.69250639462346e-05f;
  p = p * s - 7.34990630326855e-04f;
  p = p * s - 2.95459980854025e-03f;
  p = p * s - 1.60960333262415e-02f;
  float q = -1.45660718464996e-05f;
  q = q * s - 2.13374055278905e-04f;
  q = q * s - 1.68282697438203e-03f;
  q = q * s - 7.37332916720468e-03f;
  q = q * s - 1.42647390514189e-02f;
  return c * p / q;
}

/// 1 / (1 + e^-x), without overflow on either side.
template <class T>
LACUNA_MATH T sigmoid(T x) {
  return 1 / (1 + exp(-x));
}

/// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
template <class T>
LACUNA_MATH T softplus(T x) {
  const T magnitude = x < 0 ? -x : x;
  return (x < 0 ? T(0) : x) + log(1 + exp(-magnitude));
}

/// Distribution function and density of the standard normal.
template <class T>
LACUNA_MATH T normal_cdf(T x) {
  return T(0.5) * (1 + erf(x * T(0.70710678118654752440)));
}
template <class T>
LACUNA_MATH T normal_pdf(T x) {
  return T(0.39894228040143267794) * exp(T(-0.5) * x * x);
}

/// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
template <class T>
LACUNA_MATH T gelu_tanh(T x) {
  return T(0.5) * x * (1 + tanh(T(0.79788456080286535588) * (x + T(0.044715) * x * x * x)));
}
template <class T>
LACUNA_MATH T gelu_tanh_gradient(T x) {
  const T t = tanh(T(0.79788456080286535588) * (x + T(0.044715) * x * x * x));
  return T(0.5) * (1 + t) +
         T(0.5) * x * (1 - t * t) * T(0.79788456080286535588) * (1 + T(0.134145) * x * x);
}

}  // namespace lacuna::math
