#pragma once
// Hides part of a batch of pictures: one pass from pixels to what the network sees, what it should give, and where.
#include "array.h"
#include "random.h"

namespace lacuna {

/// What is hidden or shown as one.
enum class MaskKind : std::uint8_t {
  none,    // nothing is hidden
  value,   // every value of every channel by itself
  pixel,   // every pixel, all channels together
  block,   // cells of a grid of `block` x `block` pixels: the patches of a transformer, say
  centre,  // the square in the middle whose area is `ratio` of the picture's
  region,  // one rectangle a picture, of about that area, at a random place and of random proportions from 1:2 to 2:1
};

enum class MaskFill : std::uint8_t {
  zero,   // 0 on the scale of the target
  mean,   // the channel's `mean`, on the scale of the target
  noise,  // uniform over the scale's range
};

/// target = pixel * scale + shift;  hidden = 1 where the network must fill in;
/// masked = hidden ? fill : target + N(0, noise^2).
/// value, pixel and block hide each unit with probability `ratio`, by word u of the row's Philox stream where u is the
/// unit's number in row-major order; region takes words 0 to 3; fill and noise draw from streams of their own.
struct MaskImage {
  static constexpr const char* op = "mask_image";
  Array target;  // out, (N, H, W, C) f32 or f64
  Array masked;  // out, the same; or bf16 beside f32, on cuda and emu
  Array hidden;  // out, (N, H, W, C) u8: 1 hidden, 0 visible
  Array pixels;  // (N, H, W, C) u8
  Array ids;     // (N, 2) i64: sample and view of each row
  MaskKind kind = MaskKind::value;
  MaskFill fill = MaskFill::zero;
  double ratio = 0.5;
  std::int64_t block = 4;
  double scale = 1 / 127.5, shift = -1;
  double noise = 0;     // standard deviation, on the scale of the target
  double mean[4] = {};  // of each channel, for MaskFill::mean
  RandomKey key;        // of the mask
  RandomKey fill_key;   // of MaskFill::noise
  RandomKey noise_key;  // of `noise`
};

void validate(const MaskImage&);

/// Hidden rectangle of a picture: rows top .. bottom - 1, columns left .. right - 1.
struct Rectangle {
  std::int64_t top, left, bottom, right;
};

/// The rectangle that centre and region hide.
LACUNA_HD inline Rectangle hidden_rectangle(MaskKind kind, double ratio, std::int64_t height,
                                            std::int64_t width, RandomKey key, std::uint64_t sample,
                                            std::uint64_t view) {
  const auto sides = [&](double aspect) {
    // Areas in proportion: height * width * ratio = h * w, h / w = aspect * height / width, each within the picture.
    double h = height * std::sqrt(ratio * aspect), w = width * std::sqrt(ratio / aspect);
    if (h > height) w = width * ratio, h = height;
    if (w > width) h = height * ratio, w = width;
    struct Sides {
      std::int64_t h, w;
    };
    return Sides{static_cast<std::int64_t>(h + 0.5), static_cast<std::int64_t>(w + 0.5)};
  };
  if (kind == MaskKind::centre) {
    const auto s = sides(1);
    const std::int64_t top = (height - s.h) / 2, left = (width - s.w) / 2;
    return {top, left, top + s.h, left + s.w};
  }
  const Philox4 words = draw(key, 0, sample, view);
  // 1/2 to 2, evenly by area rather than by logarithm: exact in f64 on every device.
  const double u = uniform_of(words.v[0]);
  const auto s = sides(u < 0.5 ? 0.5 + u : 1 / (1.5 - u));
  const std::int64_t top = below(words.v[1], static_cast<std::uint32_t>(height - s.h + 1));
  const std::int64_t left = below(words.v[2], static_cast<std::uint32_t>(width - s.w + 1));
  return {top, left, top + s.h, left + s.w};
}

}  // namespace lacuna
