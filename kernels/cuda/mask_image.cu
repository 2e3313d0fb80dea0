// Hiding part of pictures
//   math         kernels/mask_image.h
//   shapes       (N, H, W, C) contiguous; pixels and hidden u8, target f32, masked f32 or bf16
//   traffic      1 byte read, 9 (7) written a value; words are drawn, not stored
//   launch       256 threads; a thread makes four values of a picture, and draws a Philox block only where it needs one
//                that it has not at hand (values: one; pixels and cells: one or two)
//   numerics     products and sums are rounded one by one, as on cpu: the same bits (noise: but for one in 2^28); bf16 is that rounded
//   determinism  yes: a picture depends on its sample and view alone
//   checked by   tests/ops/mask_image.cpp, tests/emu/random.cpp
//   measured     not measured
#include "../mask_image.h"

#include <device/draw.cuh>
#include <device/launch.cuh>

namespace lacuna::LACUNA_NS {
namespace {

struct Options {
  MaskKind kind;
  MaskFill fill;
  std::int64_t height, width, channels, block, across;  // cells of a grid in a line
  double ratio, scale, shift;
  float low, range, noise, mean[4];
  RandomKey key, fill_key, noise_key;
  BernoulliThreshold hit;
};

// Words of one row of one stream; keeps the last block.
struct Words {
  RandomKey key;
  const Four& row;
  std::int64_t block = -1;
  Philox4 four = {};
  __device__ std::uint32_t operator()(std::int64_t i) {
    if (i / 4 != block) {
      block = i / 4;
      four = draw(key, static_cast<std::uint64_t>(block), row.sample, row.view);
    }
    const auto k = i % 4;
    return k == 0 ? four.v[0] : k == 1 ? four.v[1] : k == 2 ? four.v[2] : four.v[3];
  }
};

__global__ void __launch_bounds__(kThreads)
    mask_kernel(float* target, float* masked, bf16* rounded, std::uint8_t* hidden,
                const std::uint8_t* pixels, Fours fours, bool aligned, Options o) {
  const std::int64_t number = thread_number();
  if (number >= fours.rows * fours.each) return;
  const Four four(fours, number);
  Words units{o.key, four}, fills{o.fill_key, four}, noises{o.noise_key, four};
  Rectangle hole{0, 0, 0, 0};
  if (o.kind == MaskKind::centre || o.kind == MaskKind::region)
    hole = hidden_rectangle(o.kind, o.ratio, o.height, o.width, o.key, four.sample, four.view);

  Vec<std::uint8_t, 4> pixel, hides;
  Vec<float, 4> value, seen;
  load_four(pixel, pixels + four.at, four.left, aligned);
  LACUNA_UNROLL
  for (int k = 0; k < 4; k++) {
    const std::int64_t e = four.first + k, place = e / o.channels, c = e - place * o.channels;
    const std::int64_t y = place / o.width, x = place - y * o.width;
    bool hide = false;
    switch (o.kind) {
      case MaskKind::none:
        break;
      case MaskKind::value:
        hide = o.hit(units(e));
        break;
      case MaskKind::pixel:
        hide = o.hit(units(place));
        break;
      case MaskKind::block:
        hide = o.hit(units(y / o.block * o.across + x / o.block));
        break;
      case MaskKind::centre:
      case MaskKind::region:
        hide = y >= hole.top && y < hole.bottom && x >= hole.left && x < hole.right;
        break;
    }
    const auto t = static_cast<float>(__dadd_rn(__dmul_rn(pixel.v[k], o.scale), o.shift));
    float shown = t;
    if (!hide) {
      if (o.noise > 0) shown = __fadd_rn(t, __fmul_rn(o.noise, normal_of(noises(e))));
    } else if (o.fill == MaskFill::noise) {
      shown = __fadd_rn(o.low, __fmul_rn(o.range, uniform_of(fills(e))));
    } else {
      shown = o.fill == MaskFill::zero ? 0.0f
              : c == 0                 ? o.mean[0]
              : c == 1                 ? o.mean[1]
              : c == 2                 ? o.mean[2]
                                       : o.mean[3];
    }
    value.v[k] = t;
    seen.v[k] = shown;
    hides.v[k] = hide;
  }
  store_four(target + four.at, four.left, aligned, value);
  if (masked) {
    store_four(masked + four.at, four.left, aligned, seen);
  } else {
    Vec<bf16, 4> out;
    LACUNA_UNROLL
    for (int k = 0; k < 4; k++) out.v[k] = bf16(seen.v[k]);
    store_four(rounded + four.at, four.left, aligned, out);
  }
  store_four(hidden + four.at, four.left, aligned, hides);
}

}  // namespace

void mask_image(const MaskImage& a, Stream stream) {
  const Fours fours(a.pixels.size(), a.pixels.dim(0), a.ids);
  Options o{a.kind,
            a.fill,
            a.pixels.dim(1),
            a.pixels.dim(2),
            a.pixels.dim(3),
            a.block,
            ceil_div(a.pixels.dim(2), a.block),
            a.ratio,
            a.scale,
            a.shift,
            static_cast<float>(a.shift),
            static_cast<float>(a.scale * 255),
            static_cast<float>(a.noise),
            {},
            a.key,
            a.fill_key,
            a.noise_key,
            BernoulliThreshold(a.ratio)};
  for (int c = 0; c < 4; c++) o.mean[c] = static_cast<float>(a.mean[c]);
  const bool half = a.masked.dtype == Dtype::bf16;
  const bool aligned = fours_aligned<float>(fours.n, {a.target.data, a.masked.data}) &&
                       fours_aligned<std::uint8_t>(fours.n, {a.hidden.data, a.pixels.data});
  launch({.grid = ceil_div(fours.count(), kThreads),
          .block = kThreads,
          .stream = stream,
          .barriers = false},
         mask_kernel, a.target.as<float>(), half ? nullptr : a.masked.as<float>(),
         half ? a.masked.as<bf16>() : nullptr, a.hidden.as<std::uint8_t>(),
         a.pixels.as<std::uint8_t>(), fours, aligned, o);
}

}  // namespace lacuna::LACUNA_NS
