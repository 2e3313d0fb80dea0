#pragma once
// The operands of gemm.cuh: lines (rows of A, columns of B) by depth (k). A Side finds kVector neighbours at once, along
// depth where kAlongK and along lines otherwise; `wide` says that all of these vectors are aligned. line() and depth() decode
// an index once, by Dividers; find() only adds.
#include <device/divide.cuh>
#include <device/intrinsics.cuh>
#include <type_traits>

namespace lacuna::LACUNA_NS {

/// n elements at p and after it; none where n <= 0, and then p may be anywhere.
template <class T>
struct Found {
  const T* p;
  int n;
};

/// A matrix with unit stride along k (kAlongK) or along lines; `stride` is the other one.
template <class T_, bool kAlongK_, int V>
struct MatrixSide {
  using T = T_;
  static constexpr bool kAlongK = kAlongK_;
  static constexpr int kVector = V;
  struct Place {
    std::int64_t offset;
    int left;  // elements from here to the end
  };
  using Line = Place;
  using Depth = Place;

  const T* p;
  std::int64_t stride;
  int lines;
  bool wide;

  __device__ Line line(int i) const { return {kAlongK ? i * stride : i, lines - i}; }
  __device__ Depth depth(int k, int end) const { return {kAlongK ? k : k * stride, end - k}; }
  __device__ __forceinline__ Found<T> find(const Line& l, const Depth& d) const {
    const Place &along = kAlongK ? d : l, &across = kAlongK ? l : d;
    return {p + l.offset + d.offset, across.left > 0 ? along.left : 0};
  }
};

/// The pixels that a window meets, as a matrix of windows by (taps x channels), made on the fly: window (n, i, j) and tap
/// (u, v) meet pixel (n, i step[0] + start[0] + u tap[0], j step[1] + start[1] + v tap[1]) of images (height, width).
/// Windows are the lines (kAlongK) or the depth. A vector lies within one tap and is aligned: V divides `channels` and
/// `pixel`, or is 1.
template <class T_, bool kAlongK_, int V>
struct PatchSide {
  using T = T_;
  static constexpr bool kAlongK = kAlongK_, wide = true;
  static constexpr int kVector = V;
  struct Window {
    std::int64_t image;
    int y, x;
    bool inside;
  };
  struct Tap {
    int y, x, channel;
    int left;  // channels of this tap from here on; 0 outside
  };
  using Line = std::conditional_t<kAlongK, Window, Tap>;
  using Depth = std::conditional_t<kAlongK, Tap, Window>;

  const T* p;
  int height, width, pixel;  // pixel: elements from one to the next
  int windows;
  Divider rows, columns;  // of windows in an image
  int taps;
  Divider tap_columns, channels;  // taps in a row of them; channels of a tap
  int step[2], start[2], tap[2];

  __device__ Window window(int i, int end) const {
    const int line = i / columns, column = i - line * columns;
    return {std::int64_t{line / rows} * height * width * pixel, line % rows * step[0] + start[0],
            column * step[1] + start[1], i < end};
  }
  __device__ Tap tap_at(int k, int end) const {
    const int t = k / channels, channel = k - t * channels;
    const int left = k < end ? channels - channel : 0;
    return {t / tap_columns * tap[0], t % tap_columns * tap[1], channel, left};
  }
  __device__ Line line(int i) const {
    if constexpr (kAlongK)
      return window(i, windows);
    else
      return tap_at(i, taps * channels);
  }
  __device__ Depth depth(int k, int end) const {
    if constexpr (kAlongK)
      return tap_at(k, end);
    else
      return window(k, end);
  }
  __device__ __forceinline__ Found<T> find(const Line& l, const Depth& d) const {
    if constexpr (kAlongK)
      return meet(l, d);
    else
      return meet(d, l);
  }

 private:
  __device__ __forceinline__ Found<T> meet(const Window& w, const Tap& t) const {
    const int y = w.y + t.y, x = w.x + t.x;
    const bool inside = w.inside && y >= 0 && y < height && x >= 0 && x < width;
    return {p + w.image + (std::int64_t{y} * width + x) * pixel + t.channel, inside ? t.left : 0};
  }
};

/// Weights (out, kh, kw, in) as a matrix of in by (taps x out), for some of the taps: tap (u, v) is
/// (first[0] + u step[0], first[1] + v step[1]).
template <class T_, int V>
struct TapWeightSide {
  using T = T_;
  static constexpr bool kAlongK = false;
  static constexpr int kVector = V;
  struct Line {
    int in, left;
  };
  struct Depth {
    std::int64_t offset;
    bool inside;
  };

  const T* p;
  int in;
  Divider out;
  int kernel_height, kernel_width;
  int first[2], step[2];
  Divider tap_columns;
  bool wide;

  __device__ Line line(int i) const { return {i, in - i}; }
  __device__ Depth depth(int k, int end) const {
    const int t = k / out, o = k % out;
    const int y = first[0] + t / tap_columns * step[0], x = first[1] + t % tap_columns * step[1];
    return {((std::int64_t{o} * kernel_height + y) * kernel_width + x) * in, k < end};
  }
  __device__ __forceinline__ Found<T> find(const Line& l, const Depth& d) const {
    return {p + d.offset + l.in, d.inside ? l.left : 0};
  }
};

}  // namespace lacuna::LACUNA_NS
