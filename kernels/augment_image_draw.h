#pragma once
// The draws of augment_image.h, in f64 arithmetic that is rounded operation by operation: the same bits on every device,
// where the compiler does not fuse products and sums (kernels/CMakeLists.txt says so to it).
#include <cmath>

#include "augment_image.h"

namespace lacuna {

/// A recipe with what the draws need of it, for pictures and views of one size.
struct ViewDraws {
  explicit ViewDraws(const AugmentImageDraw& a)
      : recipe(a.recipe),
        key(a.key),
        height(a.height),
        width(a.width),
        out_height(a.recipe.height ? a.recipe.height : a.height),
        out_width(a.recipe.width ? a.recipe.width : a.width),
        aspect_octaves(std::log2(a.recipe.aspect[1] / a.recipe.aspect[0])),
        crop(a.recipe.crop),
        flip(a.recipe.flip),
        rotate(a.recipe.rotate),
        jitter(a.recipe.jitter),
        grey(a.recipe.grey),
        blur(a.recipe.blur),
        solarise(a.recipe.solarise),
        cutout(a.recipe.cutout) {}

  Augmentation recipe;
  RandomKey key;
  std::int64_t height, width, out_height, out_width;
  double aspect_octaves;
  BernoulliThreshold crop, flip, rotate, jitter, grey, blur, solarise, cutout;
};

/// 2^x for |x| < 1000: a Taylor polynomial about the nearest integer, relative error below 1e-15.
LACUNA_HD inline double power_of_two(double x) {
  const double n = std::floor(x + 0.5), r = (x - n) * 0.693147180559945309;
  double y = 1;
  for (int k = 14; k > 0; k--) y = y * r / k + 1;
  const std::int64_t bits = (static_cast<std::int64_t>(n) + 1023) << 52;
  double scale;
  memcpy(&scale, &bits, 8);
  return y * scale;
}

LACUNA_HD inline float uniform_between(std::uint32_t word, double low, double high) {
  return static_cast<float>(low + (high - low) * (word * 0x1p-32));
}

/// Top, left, height, width into v. Try t takes block 5 + t: area, aspect, top, left.
LACUNA_HD inline void draw_crop(View& v, const ViewDraws& d, std::uint64_t sample,
                                std::uint64_t view) {
  const auto set = [&](std::int64_t top, std::int64_t left, std::int64_t height,
                       std::int64_t width) {
    v.top = static_cast<float>(top);
    v.left = static_cast<float>(left);
    v.height = static_cast<float>(height);
    v.width = static_cast<float>(width);
  };
  const double low = d.recipe.aspect[0], high = d.recipe.aspect[1];
  const auto h = static_cast<double>(d.height), w = static_cast<double>(d.width);
  for (std::uint64_t t = 0; t < 100; t++) {
    const Philox4 words = draw(d.key, 5 + t, sample, view);
    const double share =
        d.recipe.area[0] + (d.recipe.area[1] - d.recipe.area[0]) * (words.v[0] * 0x1p-32);
    const double aspect = low * power_of_two(d.aspect_octaves * (words.v[1] * 0x1p-32));
    const double across = std::floor(std::sqrt(h * w * share * aspect) + 0.5),
                 down = std::floor(std::sqrt(h * w * share / aspect) + 0.5);
    if (across < 1 || down < 1 || across > w || down > h) continue;
    const auto height = static_cast<std::int64_t>(down), width = static_cast<std::int64_t>(across);
    return set(below(words.v[2], static_cast<std::uint32_t>(d.height - height + 1)),
               below(words.v[3], static_cast<std::uint32_t>(d.width - width + 1)), height, width);
  }
  std::int64_t height = d.height, width = d.width;
  if (w < h * low) height = static_cast<std::int64_t>(std::floor(w / low + 0.5));
  if (w > h * high) width = static_cast<std::int64_t>(std::floor(h * high + 0.5));
  height = height < 1 ? 1 : height;
  width = width < 1 ? 1 : width;
  set((d.height - height) / 2, (d.width - width) / 2, height, width);
}

/// Blocks 0 to 4 of the row (sample, view), word by word:
///   0  flip, rotate, angle, jitter      1  brightness, contrast, saturation, hue
///   2  order, grey, blur, sigma         3  solarise, cutout, its row, its column
///   4  crop
LACUNA_HD inline View draw_view(const ViewDraws& d, std::uint64_t sample, std::uint64_t view) {
  const Augmentation& r = d.recipe;
  View v{};
  const Philox4 first = draw(d.key, 0, sample, view);
  v.flip = d.flip(first.v[0]) ? 1.0f : 0.0f;
  v.angle = d.rotate(first.v[1]) ? uniform_between(first.v[2], -r.degrees, r.degrees) : 0.0f;

  const Philox4 colour = draw(d.key, 1, sample, view);
  const auto factor = [&](int i, double strength) {
    return uniform_between(colour.v[i], strength > 1 ? 0.0 : 1 - strength, 1 + strength);
  };
  v.brightness = factor(0, r.brightness);
  v.contrast = factor(1, r.contrast);
  v.saturation = factor(2, r.saturation);
  v.hue = uniform_between(colour.v[3], -r.hue, r.hue);

  const Philox4 third = draw(d.key, 2, sample, view);
  v.order = d.jitter(first.v[3]) ? static_cast<float>(below(third.v[0], 24)) : -1.0f;
  v.grey = d.grey(third.v[1]) ? 1.0f : 0.0f;
  v.sigma = d.blur(third.v[2]) ? uniform_between(third.v[3], r.sigma[0], r.sigma[1]) : 0.0f;

  const Philox4 fourth = draw(d.key, 3, sample, view);
  v.solarise = d.solarise(fourth.v[0]) ? static_cast<float>(r.threshold) : 2.0f;
  const bool cut = d.cutout(fourth.v[1]);
  const auto corner = [&](std::uint32_t word, std::int64_t size) {
    const std::int64_t centre = below(word, static_cast<std::uint32_t>(size));
    return static_cast<float>(cut ? centre - r.cutout_size / 2 : size);
  };
  v.cut_top = corner(fourth.v[2], d.out_height);
  v.cut_left = corner(fourth.v[3], d.out_width);

  if (d.crop(draw_word(d.key, 16, sample, view))) {
    draw_crop(v, d, sample, view);
  } else {
    v.height = static_cast<float>(d.height);
    v.width = static_cast<float>(d.width);
  }
  return v;
}

/// Row `row` of the views of AugmentImageDraw.
LACUNA_HD inline View draw_row(const ViewDraws& d, const std::int64_t* ids, std::int64_t samples,
                               std::int64_t row) {
  const std::int64_t n = row % samples;
  return draw_view(d, static_cast<std::uint64_t>(ids[2 * n]),
                   static_cast<std::uint64_t>(ids[2 * n + 1] + row / samples));
}

}  // namespace lacuna
