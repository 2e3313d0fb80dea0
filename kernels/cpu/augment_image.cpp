// Augmenting pictures, on cpu: each thread takes whole views.
#include "augment_image.h"

#include <algorithm>
#include <cmath>

#include "parallel.h"

namespace lacuna::cpu {
namespace augment_views {

void TapTable::fill(const augment::ResizeAxis<float>& axis, int out, double total, bool reversed) {
  count = 1;
  for (int i = 0; i < out; i++) count = std::max(count, axis.taps(i).count);
  first.resize(out);
  weights.assign(static_cast<std::size_t>(out) * count, 0.0f);
  for (int i = 0; i < out; i++) {
    const auto taps = axis.taps(reversed ? out - 1 - i : i);
    first[i] = std::min(taps.first, axis.size - count);
    float* const w = weights.data() + static_cast<std::size_t>(i) * count + taps.first - first[i];
    const float scale = static_cast<float>(total) / axis.sum(taps);
    for (int k = 0; k < taps.count; k++) w[k] = axis.weight(taps, k) * scale;
  }
}

Work::Work(const AugmentImage& a)
    : height(static_cast<int>(a.out.dim(1))),
      width(static_cast<int>(a.out.dim(2))),
      channels(static_cast<int>(a.out.dim(3))),
      pixels(a.out.dim(1) * a.out.dim(2)),
      memory(static_cast<std::size_t>((pixels + kPad) * channels *
                                      (a.rotates || a.radius > 0 ? 2 : 1))) {
  for (int c = 0; c < 3; c++) {
    const std::int64_t size = pixels + kPad;
    planes[c] = memory.data() + std::min(c, channels - 1) * size;
    others[c] = a.rotates || a.radius > 0 ? planes[c] + channels * size : nullptr;
    // What whole vectors find behind the last pixel.
    std::fill_n(planes[c] + pixels, kPad, 0.0f);
    if (others[c]) std::fill_n(others[c] + pixels, kPad, 0.0f);
  }
  line.assign(static_cast<std::size_t>(3 * (width + kPad) + 2 * kMaxBlurRadius), 0.0f);
  wide.assign(static_cast<std::size_t>(a.images.dim(2) * channels + kPad), 0.0f);
}

void Work::prepare(const AugmentImage& a, const View& v) {
  rows.fill({static_cast<std::int64_t>(v.height), height, a.interpolation}, height, 1.0 / 255,
            false);
  columns.fill({static_cast<std::int64_t>(v.width), width, a.interpolation}, width, 1, v.flip != 0);
  if (v.sigma <= 0) return;
  double weights[kMaxBlurRadius + 1], all = 0;
  for (std::int64_t k = 0; k <= a.radius; k++) {
    weights[k] = std::exp(-0.5 * static_cast<double>(k * k) / (v.sigma * v.sigma));
    all += (k == 0 ? 1 : 2) * weights[k];
  }
  for (std::int64_t k = 0; k <= a.radius; k++) blur[k] = static_cast<float>(weights[k] / all);
}

namespace {

void cut_out(const AugmentImage& a, const View& v, const Work& w, float* out) {
  const auto inside = [](float from, std::int64_t size) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(from), 0, size);
  };
  const auto size = static_cast<float>(a.cutout_size);
  const std::int64_t left = inside(v.cut_left, w.width), right = inside(v.cut_left + size, w.width),
                     bottom = inside(v.cut_top + size, w.height);
  for (std::int64_t y = inside(v.cut_top, w.height); y < bottom; y++)
    std::fill(out + (y * w.width + left) * w.channels, out + (y * w.width + right) * w.channels,
              static_cast<float>(a.cutout_fill));
}

void augment_image_f32(const AugmentImage& a, std::int64_t begin, std::int64_t end) {
  const OneView one_view = one_view_kernel();
  Work w(a);
  const std::int64_t picture = a.images.dim(1) * a.images.dim(2) * w.channels;
  for (std::int64_t row = begin; row < end; row++) {
    const View& v = a.views.as<View>()[row];
    w.prepare(a, v);
    float* const out = a.out.as<float>() + row * w.pixels * w.channels;
    one_view(a, v, a.images.as<std::uint8_t>() + row % a.images.dim(0) * picture, out, w);
    cut_out(a, v, w, out);
  }
}

}  // namespace
}  // namespace augment_views

void augment_image(const AugmentImage& a, Stream) {
  const bool f32 = a.out.dtype == Dtype::f32;
  const double values = static_cast<double>(a.out.dim(1) * a.out.dim(2) * a.out.dim(3));
  parallel_for(
      a.out.dim(0), grain_for((f32 ? 3 : 100) * values), [&](std::int64_t begin, std::int64_t end) {
        f32 ? augment_views::augment_image_f32(a, begin, end) : augment_image_plain(a, begin, end);
      });
}

}  // namespace lacuna::cpu
