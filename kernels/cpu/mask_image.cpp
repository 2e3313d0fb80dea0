// Hiding part of pictures, on cpu.
//   traffic      1 byte read, 9 written a value; the random words stay in L1
//   method       a row's words are drawn in vectors, the pass over the pixels reads what they hide
//   determinism  a row depends on its sample and view alone
#include "../mask_image.h"

#include <cmath>
#include <vector>

#include "parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/mask_image.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "draw-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::mask_image_words::HWY_NAMESPACE {

// hidden[e] = word e of the row < threshold
HWY_NOINLINE void bernoulli(RandomKey key, std::uint64_t sample, std::uint64_t view,
                            std::uint64_t threshold, std::int64_t n, std::uint8_t* hidden) {
  std::uint32_t words[kDraws];
  for (std::int64_t from = 0; from < n; from += kDraws) {
    const Run run{0, std::min(kDraws, n - from), static_cast<std::uint64_t>(from / 4), sample,
                  view};
    cpu::HWY_NAMESPACE::draw_words(key, run, words);
    for (std::int64_t i = 0; i < run.count; i++) hidden[from + i] = words[i] < threshold;
  }
}

}  // namespace lacuna::cpu::mask_image_words::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace mask_image_words {
HWY_EXPORT(bernoulli);
auto bernoulli_kernel() { return HWY_DYNAMIC_DISPATCH(bernoulli); }
}  // namespace mask_image_words

namespace {

template <class T>
void mask_row(const MaskImage& a, std::int64_t n, const T* scaled,
              std::vector<std::uint8_t>& units) {
  const std::int64_t height = a.pixels.dim(1), width = a.pixels.dim(2), channels = a.pixels.dim(3),
                     size = height * width * channels;
  const std::uint8_t* const pixels = a.pixels.as<std::uint8_t>() + n * size;
  T *const target = a.target.as<T>() + n * size, *const masked = a.masked.as<T>() + n * size;
  std::uint8_t* const hidden_at = a.hidden.as<std::uint8_t>() + n * size;
  const std::uint64_t sample = a.ids.as<std::int64_t>()[2 * n],
                      view = a.ids.as<std::int64_t>()[2 * n + 1];

  const std::int64_t across = (width + a.block - 1) / a.block,
                     down = (height + a.block - 1) / a.block;
  const bool drawn =
      a.kind == MaskKind::value || a.kind == MaskKind::pixel || a.kind == MaskKind::block;
  Rectangle hole{0, 0, 0, 0};
  if (drawn) {
    const std::int64_t count = a.kind == MaskKind::value   ? size
                               : a.kind == MaskKind::pixel ? height * width
                                                           : across * down;
    units.resize(count);
    mask_image_words::bernoulli_kernel()(a.key, sample, view, BernoulliThreshold(a.ratio).below,
                                         count, units.data());
  } else if (a.kind != MaskKind::none) {
    hole = hidden_rectangle(a.kind, a.ratio, height, width, a.key, sample, view);
  }

  const T low = static_cast<T>(a.shift), range = static_cast<T>(a.scale * 255);
  for (std::int64_t y = 0, e = 0; y < height; y++) {
    for (std::int64_t x = 0; x < width; x++) {
      for (std::int64_t c = 0; c < channels; c++, e++) {
        bool hidden = false;
        switch (a.kind) {
          case MaskKind::none:
            break;
          case MaskKind::value:
            hidden = units[e];
            break;
          case MaskKind::pixel:
            hidden = units[y * width + x];
            break;
          case MaskKind::block:
            hidden = units[y / a.block * across + x / a.block];
            break;
          case MaskKind::centre:
          case MaskKind::region:
            hidden = y >= hole.top && y < hole.bottom && x >= hole.left && x < hole.right;
            break;
        }
        const T t = scaled[pixels[e]];
        target[e] = t;
        hidden_at[e] = hidden;
        if (!hidden) {
          masked[e] = a.noise > 0 ? t + static_cast<T>(a.noise) *
                                            normal_of(draw_word(a.noise_key, e, sample, view))
                                  : t;
        } else {
          switch (a.fill) {
            case MaskFill::zero:
              masked[e] = 0;
              break;
            case MaskFill::mean:
              masked[e] = static_cast<T>(a.mean[c]);
              break;
            case MaskFill::noise:
              masked[e] = low + range * uniform_of(draw_word(a.fill_key, e, sample, view));
              break;
          }
        }
      }
    }
  }
}

}  // namespace

void mask_image(const MaskImage& a, Stream) {
  dispatch_float(a.target.dtype, [&](auto zero) {
    using T = decltype(zero);
    T scaled[256];  // rounded once, from f64
    for (int v = 0; v < 256; v++) scaled[v] = static_cast<T>(v * a.scale + a.shift);
    const double values = static_cast<double>(a.pixels.dim(1) * a.pixels.dim(2) * a.pixels.dim(3));
    parallel_for(a.pixels.dim(0), grain_for(2 * values), [&](std::int64_t begin, std::int64_t end) {
      std::vector<std::uint8_t> units;
      for (std::int64_t n = begin; n < end; n++) mask_row<T>(a, n, scaled, units);
    });
  });
}

}  // namespace lacuna::cpu
#endif
