// Augmenting pictures, f32 on cpu: a view at a time, in planes that stay in cache.
//   traffic      reads the crop's pixels once, writes the view once; between them a view's planes are passed over at most
//                three times without blur: resized; then in pieces of 1,024 pixels all that comes before the contrast, whose
//                mean it needs; then the rest, with the store
//   method       resizing goes down first, on bytes as they lie, then across, a pixel's channels a vector; the rest is
//                vectors of pixels, a plane a channel
//   determinism  a view is done by one thread, and depends on its row of `views` alone
#include <math.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "augment_image.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/augment_image_f32.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "augment_image_colour-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::augment_views::HWY_NAMESPACE {
// ---- crop ----

// out[i] = sum over t of weights[t] * rows[t * stride + i], i < n
HWY_INLINE void blend_rows(const uint8_t* rows, int64_t stride, const float* weights, int count,
                           int64_t n, float* out) {
  const D d;
  const hn::Rebind<uint8_t, D> du8;
  const hn::Rebind<int32_t, D> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  if (n < lanes) {
    for (int64_t i = 0; i < n; i++) {
      out[i] = 0;
      for (int t = 0; t < count; t++) out[i] += weights[t] * rows[t * stride + i];
    }
    return;
  }
  for (int64_t i = 0; i < n; i += lanes) {
    const int64_t at = HWY_MIN(i, n - lanes);  // the last vector may begin inside of the one before
    auto sum = hn::Zero(d);
    for (int t = 0; t < count; t++)
      sum = hn::MulAdd(hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(du8, rows + t * stride + at))),
                       hn::Set(d, weights[t]), sum);
    hn::StoreU(sum, d, out + at);
  }
}

// line[i] = sum over t of weights[i][t] * wide[first[i] + t], pixels of three channels; each store runs over one float.
HWY_INLINE void blend_columns(const float* wide, const TapTable& columns, int width, float* line) {
  const hn::CappedTag<float, 4> d;
  const int count = columns.count;
  const float* weights = columns.weights.data();
  for (int i = 0; i < width; i++, weights += count)
    for (size_t c = 0; c < 4; c += hn::Lanes(d)) {
      const float* const from = wide + 3 * columns.first[i] + c;
      auto sum = hn::Mul(hn::LoadU(d, from), hn::Set(d, weights[0]));
      for (int t = 1; t < count; t++)
        sum = hn::MulAdd(hn::LoadU(d, from + 3 * t), hn::Set(d, weights[t]), sum);
      hn::StoreU(sum, d, line + 3 * i + c);
    }
}

HWY_INLINE void crop(const AugmentImage& a, const View& v, const uint8_t* image, Work& w) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t stride = a.images.dim(2) * w.channels,
                wide = static_cast<int64_t>(v.width) * w.channels;
  const uint8_t* const corner =
      image + static_cast<int64_t>(v.top) * stride + static_cast<int64_t>(v.left) * w.channels;
  for (int y = 0; y < w.height; y++) {
    blend_rows(corner + w.rows.first[y] * stride, stride, w.rows.weights.data() + y * w.rows.count,
               w.rows.count, wide, w.wide.data());
    const int64_t at = int64_t{y} * w.width;
    if (w.channels == 3) {
      blend_columns(w.wide.data(), w.columns, w.width, w.line.data());
      for (int64_t x = 0; x < w.width; x += lanes) {
        V r, g, b;
        hn::LoadInterleaved3(d, w.line.data() + 3 * x, r, g, b);
        hn::StoreU(clip(d, r), d, w.planes[0] + at + x);
        hn::StoreU(clip(d, g), d, w.planes[1] + at + x);
        hn::StoreU(clip(d, b), d, w.planes[2] + at + x);
      }
    } else {
      for (int x = 0; x < w.width; x++) {
        const float* const weights = w.columns.weights.data() + x * w.columns.count;
        float sum = 0;
        for (int t = 0; t < w.columns.count; t++)
          sum += weights[t] * w.wide[w.columns.first[x] + t];
        w.planes[0][at + x] = sum < 0 ? 0.0f : sum > 1 ? 1.0f : sum;
      }
    }
  }
}

// ---- what moves pixels ----

HWY_INLINE void rotate(float degrees, Work& w) {
  const D d;
  const DI di;
  const auto lanes = static_cast<int>(hn::Lanes(d));
  const augment::Rotation<float> rotation(degrees, w.height, w.width);
  const auto one = hn::Set(d, 1.0f);
  const auto none = hn::Zero(di), bottom = hn::Set(di, w.height - 1),
             end = hn::Set(di, w.width - 1);
  for (int y = 0; y < w.height; y++) {
    const float dy = static_cast<float>(y) - rotation.middle_y;
    const auto base_y = hn::Set(d, rotation.cosine * dy + rotation.middle_y);
    const auto base_x = hn::Set(d, rotation.middle_x - rotation.sine * dy);
    for (int x = 0; x < w.width; x += lanes) {
      const auto dx = hn::Iota(d, static_cast<float>(x) - rotation.middle_x);
      const auto from_y = hn::MulAdd(hn::Set(d, rotation.sine), dx, base_y);
      const auto from_x = hn::MulAdd(hn::Set(d, rotation.cosine), dx, base_x);
      const auto top = hn::Floor(from_y), left = hn::Floor(from_x);
      const auto down = hn::Sub(from_y, top), right = hn::Sub(from_x, left);
      V sums[3] = {hn::Zero(d), hn::Zero(d), hn::Zero(d)};
      for (int k = 0; k < 4; k++) {
        const auto row = hn::Add(hn::ConvertTo(di, top), hn::Set(di, k / 2));
        const auto column = hn::Add(hn::ConvertTo(di, left), hn::Set(di, k % 2));
        const auto near_row = hn::Min(hn::Max(row, none), bottom);
        const auto near_column = hn::Min(hn::Max(column, none), end);
        const auto inside = hn::And(hn::Eq(row, near_row), hn::Eq(column, near_column));
        const auto at = hn::Add(hn::Mul(near_row, hn::Set(di, w.width)), near_column);
        const auto share = hn::IfThenElseZero(
            hn::RebindMask(d, inside),
            hn::Mul(k / 2 ? down : hn::Sub(one, down), k % 2 ? right : hn::Sub(one, right)));
        for (int c = 0; c < w.channels; c++)
          sums[c] = hn::MulAdd(share, hn::GatherIndex(d, w.planes[c], at), sums[c]);
      }
      for (int c = 0; c < w.channels; c++)
        hn::StoreU(sums[c], d, w.others[c] + int64_t{y} * w.width + x);
    }
  }
  std::swap(w.planes, w.others);
}

// planes -> others across, others -> planes down. The kernel is symmetric: two pixels a weight.
HWY_INLINE void blur(int radius, Work& w) {
  const D d;
  const auto lanes = static_cast<int>(hn::Lanes(d));
  const float* rows[2 * kMaxBlurRadius + 1];
  const auto sum_at = [&](auto&& tap, int x) HWY_ATTR {
    auto sum = hn::Mul(hn::Set(d, w.blur[0]), hn::LoadU(d, tap(0) + x));
    for (int k = 1; k <= radius; k++)
      sum = hn::MulAdd(hn::Set(d, w.blur[k]),
                       hn::Add(hn::LoadU(d, tap(-k) + x), hn::LoadU(d, tap(k) + x)), sum);
    return sum;
  };
  for (int c = 0; c < w.channels; c++) {
    float* const middle = w.line.data() + radius;
    for (int y = 0; y < w.height; y++) {
      std::memcpy(middle, w.planes[c] + int64_t{y} * w.width, w.width * sizeof(float));
      for (int k = 1; k <= radius; k++) {
        middle[-k] = middle[k];
        middle[w.width - 1 + k] = middle[w.width - 1 - k];
      }
      for (int x = 0; x < w.width; x += lanes)
        hn::StoreU(sum_at([&](int k) { return middle + k; }, x), d,
                   w.others[c] + int64_t{y} * w.width + x);
    }
    for (int y = 0; y < w.height; y++) {
      for (int k = -radius; k <= radius; k++)
        rows[radius + k] = w.others[c] + int64_t{augment::mirrored(y + k, w.height)} * w.width;
      for (int x = 0; x < w.width; x += lanes)
        hn::StoreU(sum_at([&](int k) { return rows[radius + k]; }, x), d,
                   w.planes[c] + int64_t{y} * w.width + x);
    }
  }
}

HWY_NOINLINE void one_view(const AugmentImage& a, const View& v, const uint8_t* image, float* out,
                           Work& w) {
  crop(a, v, image, w);
  if (v.angle != 0 && a.rotates) rotate(v.angle, w);

  Steps steps;
  float mean = 0;
  if (v.order >= 0) {
    const unsigned order = augment::jitter_order(static_cast<int>(v.order));
    for (int k = 0; k < 4; k++) {
      const unsigned what = order >> (2 * k) & 3;
      if (what == augment::kContrast) {
        steps.add(kSum);
        mean = static_cast<float>(colours(steps, v, 0, w, out) / static_cast<double>(w.pixels));
        steps.count = 0;
      }
      // One channel has neither saturation nor hue.
      if (w.channels == 3 || what == augment::kBrightness || what == augment::kContrast)
        steps.add(what);
    }
  }
  if (v.grey != 0 && w.channels == 3) steps.add(kGrey);
  if (v.sigma > 0 && a.radius > 0) {
    colours(steps, v, mean, w, out);
    steps.count = 0;
    blur(static_cast<int>(a.radius), w);
  }
  steps.add(kStore);
  colours(steps, v, mean, w, out);
}

}  // namespace lacuna::cpu::augment_views::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace augment_views {
HWY_EXPORT(one_view);
OneView one_view_kernel() { return HWY_DYNAMIC_DISPATCH(one_view); }
}  // namespace augment_views
}  // namespace lacuna::cpu
#endif
