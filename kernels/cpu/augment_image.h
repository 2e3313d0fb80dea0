#pragma once
// The two ways to augment on cpu, and what the first works with.
#include <vector>

#include "../augment_image_math.h"
#include "scratch.h"

namespace lacuna::cpu {

namespace augment_views {

constexpr std::int64_t kPad = 64;  // floats behind a buffer that whole vectors may run over

// An axis of a crop: `count` taps for each output pixel, from position first[i] on, all of them inside of the crop.
struct TapTable {
  int count = 0;
  std::vector<int> first;
  std::vector<float> weights;  // (out, count)
  // The weights of a pixel add up to `total`. Reversed: output pixel i has the taps of out - 1 - i.
  void fill(const augment::ResizeAxis<float>& axis, int out, double total, bool reversed);
};

// One view on its way: a plane a channel, and buffers. A thread has one of these.
struct Work {
  explicit Work(const AugmentImage& a);
  /// The tables and weights of a view.
  void prepare(const AugmentImage& a, const View& v);

  int height, width, channels;
  std::int64_t pixels;
  Scratch<float> memory;
  float *planes[3],
      *others[3];  // (height, width) and kPad; others only where there is a second set
  TapTable rows, columns;
  std::vector<float> line, wide;  // one line of a view; one of a crop
  float blur[kMaxBlurRadius + 1];
};

// Writes a view to `out`, but for what is cut out. For the machine's vectors.
using OneView = void (*)(const AugmentImage& a, const View& v, const std::uint8_t* image,
                         float* out, Work& work);
OneView one_view_kernel();

}  // namespace augment_views

/// The views begin .. end - 1 in f64, step by step, as kernels/augment_image.h says it: what the others are held against.
void augment_image_plain(const AugmentImage& a, std::int64_t begin, std::int64_t end);

}  // namespace lacuna::cpu
