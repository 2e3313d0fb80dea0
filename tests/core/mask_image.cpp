#include "../../core/ops/mask_image.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/shape.h"

namespace lacuna {
namespace {

Tensor noise(std::int64_t n, std::int64_t h = 32, std::int64_t w = 32, std::int64_t c = 3) {
  std::vector<std::uint8_t> v(n * h * w * c);
  for (std::size_t i = 0; i < v.size(); i++)
    v[i] = static_cast<std::uint8_t>(draw_word({11}, i, 0));
  return Tensor::from(v, {n, h, w, c});
}

double share(const Tensor& hidden) {
  double sum = 0;
  for (double v : hidden.to_vector<double>()) sum += v;
  return sum / static_cast<double>(hidden.numel());
}

}  // namespace

TEST(mask_image, target_is_the_scaled_picture_and_visible_values_are_its) {
  const Tensor x = noise(3);
  const MaskedImage m = mask_image(x, {}, {.seed = 4}, "test");
  const auto pixels = x.to_vector<double>(), target = m.target.to_vector<double>(),
             masked = m.masked.to_vector<double>(), hidden = m.hidden.to_vector<double>();
  for (std::size_t i = 0; i < pixels.size(); i++) {
    EXPECT_NEAR(target[i], pixels[i] / 127.5 - 1, 6.1e-8);
    EXPECT_EQ(masked[i], hidden[i] ? 0 : target[i]);
  }
}

// Bernoulli kinds hide `ratio` of their units to within four standard deviations.
TEST(mask_image, hides_the_share_that_was_asked_for) {
  const std::int64_t n = 64;
  const Tensor x = noise(n);
  for (double ratio : {0.0, 0.25, 0.5, 1.0}) {
    const auto hidden = [&](MaskKind kind) {
      return share(mask_image(x, {.kind = kind, .ratio = ratio}, {}, "test").hidden);
    };
    const double spread = 4 * std::sqrt(ratio * (1 - ratio));
    EXPECT_NEAR(hidden(MaskKind::value), ratio, spread / std::sqrt(n * 3072)) << ratio;
    EXPECT_NEAR(hidden(MaskKind::pixel), ratio, spread / std::sqrt(n * 1024)) << ratio;
    EXPECT_NEAR(hidden(MaskKind::block), ratio, spread / std::sqrt(n * 64)) << ratio;
    EXPECT_NEAR(hidden(MaskKind::centre), ratio, 0.05) << ratio;
    EXPECT_NEAR(hidden(MaskKind::region), ratio, 0.05) << ratio;
    EXPECT_EQ(hidden(MaskKind::none), 0);
  }
}

TEST(mask_image, kinds_hide_what_they_say) {
  const Tensor x = noise(8);
  const auto hidden = [&](MaskKind kind) {
    return mask_image(x, {.kind = kind, .ratio = 0.3, .block = 8}, {.seed = 1}, "test").hidden;
  };
  const Tensor pixel = hidden(MaskKind::pixel), block = hidden(MaskKind::block),
               region = hidden(MaskKind::region);
  const auto at = [](const Tensor& t, std::int64_t n, std::int64_t y, std::int64_t x,
                     std::int64_t c) {
    return t.data<std::uint8_t>()[((n * 32 + y) * 32 + x) * 3 + c];
  };
  int moved = 0;
  for (int n = 0; n < 8; n++) {
    int top = 32, bottom = -1, left = 32, right = -1, count = 0;
    for (int y = 0; y < 32; y++)
      for (int x = 0; x < 32; x++)
        for (int c = 0; c < 3; c++) {
          EXPECT_EQ(at(pixel, n, y, x, c), at(pixel, n, y, x, 0));
          EXPECT_EQ(at(block, n, y, x, c), at(block, n, y / 8 * 8, x / 8 * 8, 0));
          if (at(region, n, y, x, c)) {
            top = std::min(top, y), bottom = std::max(bottom, y), left = std::min(left, x),
            right = std::max(right, x);
            count++;
          }
        }
    EXPECT_EQ(count, (bottom - top + 1) * (right - left + 1) * 3)
        << "the region is one full rectangle";
    moved += top != 8 || left != 8;
  }
  EXPECT_GT(moved, 4);
}

TEST(mask_image, a_sample_is_hidden_alike_in_any_batch) {
  const Tensor x = noise(6);
  for (MaskKind kind : {MaskKind::value, MaskKind::pixel, MaskKind::block, MaskKind::region}) {
    const MaskOptions o{.kind = kind, .fill = MaskFill::noise, .noise = 0.1};
    Context whole{.seed = 3, .epoch = 2, .ids = row_ids({10, 20, 30, 40, 50, 60})};
    Context part{.seed = 3, .epoch = 2, .ids = row_ids({40, 20})};
    const MaskedImage a = mask_image(x, o, whole, "test");
    const Tensor two = Tensor::empty({2, 32, 32, 3}, Dtype::u8);
    slice(two, 0, 0, 1).copy_from(slice(x, 0, 3, 4));
    slice(two, 0, 1, 2).copy_from(slice(x, 0, 1, 2));
    const MaskedImage b = mask_image(two, o, part, "test");
    EXPECT_EQ(slice(a.masked, 0, 3, 4).to_vector<float>(),
              slice(b.masked, 0, 0, 1).to_vector<float>());
    EXPECT_EQ(slice(a.masked, 0, 1, 2).to_vector<float>(),
              slice(b.masked, 0, 1, 2).to_vector<float>());
    part.epoch = 3;
    EXPECT_NE(mask_image(two, o, part, "test").masked.to_vector<float>(),
              b.masked.to_vector<float>());
  }
}

TEST(mask_image, the_mask_is_the_documented_stream) {
  const Tensor x = noise(2, 5, 7, 3);
  const Context context{.seed = 8, .epoch = 1, .ids = row_ids({123, 456}, 1)};
  const auto hidden = mask_image(x, {.ratio = 0.4}, context, "a.stream").hidden.to_vector<int>();
  for (std::int64_t n = 0; n < 2; n++)
    for (std::int64_t e = 0; e < 105; e++)
      EXPECT_EQ(hidden[n * 105 + e],
                BernoulliThreshold(0.4)(draw_word(context.key("a.stream"), e, n ? 456 : 123)));
}

TEST(mask_image, errors) {
  EXPECT_THROW(mask_image(Tensor::zeros({2, 4, 4, 3}), {}, {}, "test"), Error);
  EXPECT_THROW(mask_image(noise(2), {.ratio = 1.5}, {}, "test"), Error);
  EXPECT_THROW(mask_image(noise(2), {.fill = MaskFill::mean}, {}, "test"), Error);
  EXPECT_THROW(mask_image(noise(2), {}, {.ids = row_ids({1})}, "test"), Error);
}

}  // namespace lacuna
