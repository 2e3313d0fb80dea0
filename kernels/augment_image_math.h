#pragma once
// The formulas of augment_image.h, for one pixel: what cuda and emu compute, and cpu in f64. The f32 kernel on cpu has them
// in vectors.
#include <cmath>

#include "augment_image.h"

namespace lacuna::augment {

enum Jitter { kBrightness, kContrast, kSaturation, kHue };

/// Four of Jitter, two bits each, the first lowest: permutation number 0 to 23.
LACUNA_HD inline unsigned jitter_order(int number) {
  unsigned left = kBrightness | kContrast << 2 | kSaturation << 4 | kHue << 6, order = 0;
  for (int k = 0; k < 4; k++) {
    const int at = 2 * (number % (4 - k));
    number /= 4 - k;
    order |= (left >> at & 3) << (2 * k);
    left = (left & ((1u << at) - 1)) | left >> (at + 2) << at;
  }
  return order;
}

template <class T>
LACUNA_HD inline T clip(T x) {
  return x < 0 ? T(0) : x > 1 ? T(1) : x;
}

template <class T>
LACUNA_HD inline T smaller(T a, T b) {
  return a < b ? a : b;
}
template <class T>
LACUNA_HD inline T larger(T a, T b) {
  return a > b ? a : b;
}

/// One axis of a crop of `size` pixels that becomes `out` pixels. Positions are f64: what is left of them after the
/// first tap's place is subtracted is small, and exact enough in f32.
template <class T>
struct ResizeAxis {
  double scale, support;
  T narrow;  // 1 / how much wider than at scale 1 the filter is
  int size;
  Interpolation kind;

  ResizeAxis() = default;
  LACUNA_HD ResizeAxis(std::int64_t size_, std::int64_t out, Interpolation kind_)
      : scale(static_cast<double>(size_) / static_cast<double>(out)),
        support((kind_ == Interpolation::bilinear ? 1 : 2) * (scale > 1 ? scale : 1.0)),
        narrow(static_cast<T>(scale > 1 ? 1 / scale : 1.0)),
        size(static_cast<int>(size_)),
        kind(kind_) {}

  struct Taps {
    int first, count;
    T offset;  // of the first tap from the output pixel's centre
  };
  LACUNA_HD Taps taps(int i) const {
    const double centre = (i + 0.5) * scale;
    int first = static_cast<int>(centre - support + 0.5),
        last = static_cast<int>(centre + support + 0.5);
    first = first < 0 ? 0 : first;
    last = last > size ? size : last;
    return {first, last - first, static_cast<T>(first - centre + 0.5)};
  }
  /// Of tap k, before the weights are divided by their sum.
  LACUNA_HD T weight(const Taps& t, int k) const {
    const T signed_x = (t.offset + k) * narrow, x = signed_x < 0 ? -signed_x : signed_x;
    if (kind == Interpolation::bilinear) return x < 1 ? 1 - x : T(0);
    if (x < 1) return (T(1.5) * x - T(2.5)) * x * x + 1;
    return x < 2 ? ((T(-0.5) * x + T(2.5)) * x - 4) * x + 2 : T(0);
  }
  LACUNA_HD T sum(const Taps& t) const {
    T s = 0;
    for (int k = 0; k < t.count; k++) s += weight(t, k);
    return s;
  }
};

template <class T>
LACUNA_HD inline T luma(const T (&x)[3]) {
  return T(0.2989) * x[0] + T(0.587) * x[1] + T(0.114) * x[2];
}
template <class T>
LACUNA_HD inline T luma(const T (&x)[1]) {
  return x[0];
}

/// Hue turned by `turn` of the circle: RGB to HSV and back, without the parts that cancel. With V = max, D = max - min and
/// the hue h in sixths, channel n is V - D clip(min(k, 4 - k)), k = (n + h) mod 6, n = 5, 3, 1 for R, G, B.
template <class T>
LACUNA_HD inline void turn_hue(T (&x)[3], T turn) {
  const T high = larger(x[0], larger(x[1], x[2])), low = smaller(x[0], smaller(x[1], x[2]));
  const T range = high - low, by = range > 0 ? range : T(1);
  const T hue = (x[0] == high   ? (x[1] - x[2]) / by
                 : x[1] == high ? (x[2] - x[0]) / by + 2
                                : (x[0] - x[1]) / by + 4) +
                6 * turn;
  for (int c = 0; c < 3; c++) {
    T k = static_cast<T>(5 - 2 * c) + hue;
    k -= 6 * std::floor(k * T(1.0 / 6));
    x[c] = clip(high - range * clip(smaller(k, 4 - k)));
  }
}
template <class T>
LACUNA_HD inline void turn_hue(T (&)[1], T) {}

/// One of Jitter on a pixel; `mean` is the view's mean luma at that moment.
template <class T, int C>
LACUNA_HD inline void jitter(T (&x)[C], unsigned what, const View& v, T mean) {
  if (what == kHue) return turn_hue(x, static_cast<T>(v.hue));
  const T factor = static_cast<T>(what == kBrightness ? v.brightness
                                  : what == kContrast ? v.contrast
                                                      : v.saturation);
  const T from = what == kBrightness ? T(0) : what == kContrast ? mean : luma(x);
  for (int c = 0; c < C; c++) x[c] = clip(factor * x[c] + (1 - factor) * from);
}

/// Mirrored about the outermost pixels; i within one length of the inside.
LACUNA_HD inline int mirrored(int i, int size) {
  return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
}

/// Where pixel (y, x) of a rotated view comes from: the four pixels around it, of which those outside are 0.
template <class T>
struct Rotation {
  T cosine, sine, middle_y, middle_x;
  LACUNA_HD Rotation(float degrees, int height, int width)
      : middle_y(T(0.5) * static_cast<T>(height - 1)),
        middle_x(T(0.5) * static_cast<T>(width - 1)) {
    // By the half angle, within -pi/2 .. pi/2, whose series are exact to 1e-12. The library's sine takes a stack on cuda.
    const double x = degrees * (3.14159265358979323846 / 360), y = x * x;
    double s = 1, c = 1;
    for (int k = 16; k > 0; k -= 2) {
      s = 1 - s * y * (1.0 / (k * (k + 1)));
      c = 1 - c * y * (1.0 / (k * (k - 1)));
    }
    s *= x;
    cosine = static_cast<T>(1 - 2 * s * s);
    sine = static_cast<T>(2 * s * c);
  }

  struct Place {
    int top, left;
    T down, right;  // share of the lower and the right pixels
  };
  LACUNA_HD Place at(int y, int x) const {
    const T dy = y - middle_y, dx = x - middle_x;
    const T from_y = sine * dx + cosine * dy + middle_y,
            from_x = cosine * dx - sine * dy + middle_x;
    const T top = std::floor(from_y), left = std::floor(from_x);
    return {static_cast<int>(top), static_cast<int>(left), from_y - top, from_x - left};
  }
};

}  // namespace lacuna::augment
