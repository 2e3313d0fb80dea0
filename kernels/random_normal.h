#pragma once
// Normals for random.h, from the inverse distribution function by Acklam's rational approximation
// (relative error below 1.2e-9 in exact arithmetic). In f64, with a logarithm of our own, so that
// devices agree.
#include <cmath>

#include "dtype.h"

namespace lacuna {

/// x with P(N(0,1) < x) = p, for 0 < p < 1.
LACUNA_HD inline double inverse_normal(double p) {
  // log() differs between libraries in the last bit, so the tails use our own: p = m * 2^e, atanh
  // series in (m-1)/(m+1).
  const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                      1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                      6.680131188771972e+01, -1.328068155288572e+01};
  const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                      -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                      3.754408661907416e+00};
  const bool upper = p > 0.5;
  const double tail = upper ? 1.0 - p : p;
  if (tail >= 0.02425) {
    const double q = p - 0.5;
    const double r = q * q;
    const double num = ((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5];
    const double den = ((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1.0;
    return num * q / den;
  }
  std::uint64_t bits;
  memcpy(&bits, &tail, 8);
  const int exponent = static_cast<int>(bits >> 52) - 1023;
  bits = (bits & 0xFFFFFFFFFFFFFu) | 0x3FF0000000000000u;
  double m;
  memcpy(&m, &bits, 8);
  const double s = (m - 1.0) / (m + 1.0), s2 = s * s;
  double series = 1.0 / 25.0;
  for (int k = 23; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
  const double log_tail = 2.0 * s * series + exponent * 0.693147180559945309417;
  const double q = std::sqrt(-2.0 * log_tail);  // sqrt is correctly rounded everywhere
  const double num = ((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5];
  const double den = (((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1.0;
  return upper ? -num / den : num / den;
}

/// Standard normal from one word.
/// f64 to f32 rounding hides differences in the last bits (fused multiply-add or not) except on a
/// rounding boundary: about one draw in 2^28.
LACUNA_HD inline float normal_of(std::uint32_t word) {
  return static_cast<float>(inverse_normal((word + 0.5) * 0x1p-32));
}

}  // namespace lacuna
