// The laws of augment_image: its draws, and that a view is its sample's wherever it stands.
#include "../../core/ops/augment_image.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <set>

#include "../../core/ops/shape.h"
#include "../../kernels/augment_image_math.h"
#include "../../kernels/cpu/parallel.h"
#include "../errors.h"

namespace lacuna {
namespace {

using test::error_of;

Tensor pictures(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c = 3) {
  std::vector<std::uint8_t> v(n * h * w * c);
  for (std::size_t i = 0; i < v.size(); i++)
    v[i] = static_cast<std::uint8_t>(draw_word({11}, i, 0));
  return Tensor::from(v, {n, h, w, c});
}

std::vector<std::int64_t> count_up(std::int64_t n) {
  std::vector<std::int64_t> v(n);
  for (std::int64_t i = 0; i < n; i++) v[i] = i;
  return v;
}

constexpr std::int64_t kSamples = 20000;

std::vector<View> draws(const Augmentation& recipe, std::int64_t h = 100, std::int64_t w = 100,
                        std::int64_t samples = kSamples) {
  const Tensor t = draw_views({.seed = 21}, row_ids(count_up(samples)), h, w, recipe, 1, 1);
  std::vector<View> views(samples);
  std::memcpy(views.data(), t.data<float>(), views.size() * sizeof(View));
  return views;
}

// Within three standard deviations of the mean of so many.
void expect_mean(const std::vector<View>& views, const std::function<double(const View&)>& f,
                 double mean, double variance, const char* what) {
  double sum = 0;
  for (const View& v : views) sum += f(v);
  const auto n = static_cast<double>(views.size());
  EXPECT_NEAR(sum / n, mean, 3 * std::sqrt(variance / n)) << what;
}
void expect_share(const std::vector<View>& views, const std::function<bool(const View&)>& f,
                  double p, const char* what) {
  expect_mean(
      views, [&](const View& v) { return f(v) ? 1.0 : 0.0; }, p, p * (1 - p), what);
}
void expect_uniform(const std::vector<View>& views, const std::function<double(const View&)>& f,
                    double low, double high, const char* what) {
  for (const View& v : views) {
    ASSERT_GE(f(v), low) << what;
    ASSERT_LE(f(v), high) << what;
  }
  const double middle = (low + high) / 2, variance = (high - low) * (high - low) / 12;
  expect_mean(views, f, middle, variance, what);
  // E (x - middle)^4 = (high - low)^4 / 80
  expect_mean(
      views, [&](const View& v) { return (f(v) - middle) * (f(v) - middle); }, variance,
      variance * variance * 0.8, what);
}

}  // namespace

TEST(augment_image, an_empty_recipe_gives_the_picture) {
  const Tensor x = pictures(3, 7, 70);
  const auto pixels = x.to_vector<double>();
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const Tensor y = augment_image({}, x, count_up(3), {}, 0, 2, dtype);
    EXPECT_EQ(y.shape(), Shape({6, 7, 70, 3}));
    EXPECT_EQ(y.dtype(), dtype);
    const auto got = y.to_vector<double>();
    for (std::size_t i = 0; i < got.size(); i++)
      ASSERT_NEAR(got[i], pixels[i % pixels.size()] / 255,
                  dtype == Dtype::f32 ? 0x1p-24 * 3 : 1e-15);
  }
}

TEST(augment_image, happens_as_often_as_asked_for) {
  const Augmentation r{.crop = 0.9,
                       .flip = 0.5,
                       .rotate = 0.3,
                       .jitter = 0.8,
                       .grey = 0.2,
                       .blur = 0.4,
                       .solarise = 0.15,
                       .threshold = 0.25,
                       .cutout = 0.6};
  const auto views = draws(r);
  expect_share(
      views, [](const View& v) { return v.flip == 1; }, 0.5, "flip");
  expect_share(
      views, [](const View& v) { return v.angle != 0; }, 0.3, "rotate");
  expect_share(
      views, [](const View& v) { return v.order >= 0; }, 0.8, "jitter");
  expect_share(
      views, [](const View& v) { return v.grey == 1; }, 0.2, "grey");
  expect_share(
      views, [](const View& v) { return v.sigma > 0; }, 0.4, "blur");
  expect_share(
      views, [](const View& v) { return v.solarise == 0.25f; }, 0.15, "solarise");
  expect_share(
      views, [](const View& v) { return v.cut_top < 100; }, 0.6, "cutout");
  // Draws are independent: both happen as often as the product says.
  expect_share(
      views, [](const View& v) { return v.flip == 1 && v.order >= 0; }, 0.4, "pairs");
  expect_share(
      views, [](const View& v) { return v.grey == 1 && v.sigma > 0; }, 0.08, "pairs");
  for (const View& v : draws({.crop = 0}, 50, 70)) {
    EXPECT_EQ(v.height * 1000 + v.width, 50070);
    EXPECT_EQ(v.top + v.left + v.flip + v.angle + v.grey + v.sigma, 0);
    EXPECT_EQ(v.order, -1);
    EXPECT_EQ(v.solarise, 2);
    EXPECT_EQ(v.cut_top, 50);
  }
}

TEST(augment_image, factors_are_uniform) {
  Augmentation r{.rotate = 1,
                 .degrees = 30,
                 .jitter = 1,
                 .brightness = 0.4,
                 .contrast = 0.3,
                 .saturation = 1.5,
                 .hue = 0.1,
                 .blur = 1,
                 .cutout = 1,
                 .cutout_size = 5};
  r.height = 40;
  r.width = 60;
  const auto views = draws(r);
  expect_uniform(
      views, [](const View& v) { return v.angle; }, -30, 30, "angle");
  expect_uniform(
      views, [](const View& v) { return v.brightness; }, 0.6, 1.4 + 1e-7, "brightness");
  expect_uniform(
      views, [](const View& v) { return v.contrast; }, 0.7 - 1e-7, 1.3, "contrast");
  expect_uniform(
      views, [](const View& v) { return v.saturation; }, 0, 2.5, "saturation");
  expect_uniform(
      views, [](const View& v) { return v.hue; }, -0.1 - 1e-8, 0.1 + 1e-8, "hue");
  expect_uniform(
      views, [](const View& v) { return v.sigma; }, 0.1, 2, "sigma");
  for (int order = 0; order < 24; order++)
    expect_share(
        views, [&](const View& v) { return v.order == order; }, 1.0 / 24, "order");
  // The middle of the square is a pixel of the view.
  std::set<float> rows, columns;
  for (const View& v : views) {
    rows.insert(v.cut_top);
    columns.insert(v.cut_left);
  }
  EXPECT_EQ(rows.size() * 1000 + columns.size(), 40060u);
  EXPECT_EQ(*rows.begin() * 1000 + *columns.begin(), -2002);
}

TEST(augment_image, there_are_24_orders) {
  std::set<unsigned> orders;
  for (int i = 0; i < 24; i++) {
    const unsigned order = augment::jitter_order(i);
    unsigned seen = 0;
    for (int k = 0; k < 4; k++) seen |= 1u << (order >> (2 * k) & 3);
    EXPECT_EQ(seen, 15u);
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 24u);
}

TEST(augment_image, crops_have_the_area_and_the_proportions_asked_for) {
  // Small enough to fit whatever its proportions, on a picture so large that rounding to pixels does not show.
  const auto views = draws({.crop = 1, .area = {0.1, 0.5}}, 3000, 3000);
  expect_uniform(
      views, [](const View& v) { return v.height / 3000.0 * v.width / 3000.0; }, 0.0999, 0.5001,
      "area");
  const double octave = std::log(4.0 / 3);
  expect_uniform(
      views, [](const View& v) { return std::log(v.width / v.height); }, -octave - 1e-3,
      octave + 1e-3, "proportions");
  expect_uniform(
      views, [](const View& v) { return v.top / (3000 - v.height); }, 0, 1, "top");
  expect_uniform(
      views, [](const View& v) { return v.left / (3000 - v.width); }, 0, 1, "left");
  for (const View& v : draws({.crop = 1}, 30, 40)) {
    ASSERT_TRUE(v.height >= 1 && v.width >= 1 && v.top >= 0 && v.left >= 0);
    ASSERT_TRUE(v.top + v.height <= 30 && v.left + v.width <= 40);
  }
}

TEST(augment_image, what_does_not_fit_is_cropped_in_the_middle) {
  const Augmentation whole{.crop = 1, .area = {1, 1}};
  for (const View& v : draws(whole, 90, 300, 20)) {  // at most 4:3
    EXPECT_EQ(v.height, 90);
    EXPECT_EQ(v.width, 120);
    EXPECT_EQ(v.left, 90);
  }
  for (const View& v : draws(whole, 300, 90, 20)) {
    EXPECT_EQ(v.width, 90);
    EXPECT_EQ(v.height, 120);
    EXPECT_EQ(v.top, 90);
  }
}

TEST(augment_image, draws_are_the_documented_words) {
  const Augmentation r{.flip = 0.3, .jitter = 0.6};
  const Context context{.seed = 8};
  const RandomKey key = RandomKey::of(8, stream_of("augment_image"), 5);
  const std::int64_t samples[] = {123, 456};
  const auto v = draw_views(context, row_ids({123, 456}), 10, 10, r, 5, 2).to_vector<float>();
  for (int row = 0; row < 4; row++) {
    const std::uint64_t sample = samples[row % 2], view = row / 2;
    EXPECT_EQ(v[16 * row + 4], BernoulliThreshold(0.3)(draw_word(key, 0, sample, view)));
    EXPECT_EQ(v[16 * row + 6] >= 0, BernoulliThreshold(0.6)(draw_word(key, 3, sample, view)));
  }
}

TEST(augment_image, a_sample_is_augmented_alike_in_any_batch) {
  Augmentation r = simclr_augmentation(24, 1, true);
  r.rotate = r.solarise = r.cutout = 0.5;
  const Tensor x = pictures(6, 20, 30);
  const Context context{.seed = 3};
  const Tensor all =
      augment_image(context, x, std::vector<std::int64_t>{10, 20, 30, 40, 50, 60}, r, 2, 2);
  const Tensor two = Tensor::empty({2, 20, 30, 3}, Dtype::u8);
  slice(two, 0, 0, 1).copy_from(slice(x, 0, 3, 4));
  slice(two, 0, 1, 2).copy_from(slice(x, 0, 1, 2));
  const std::vector<std::int64_t> ids = {40, 20};
  const Tensor part = augment_image(context, two, ids, r, 2, 2);
  const auto row = [](const Tensor& t, int i) { return slice(t, 0, i, i + 1).to_vector<float>(); };
  for (int view = 0; view < 2; view++) {
    EXPECT_EQ(row(part, 2 * view), row(all, 6 * view + 3));
    EXPECT_EQ(row(part, 2 * view + 1), row(all, 6 * view + 1));
  }
  EXPECT_NE(row(part, 0), row(part, 2)) << "views of a picture differ";
  EXPECT_NE(row(augment_image(context, two, ids, r, 3, 2), 0), row(part, 0)) << "epochs differ";
  // The second view alone: by its number in ids.
  const Tensor second = augment_image(
      context, two, Tensor::from(std::vector<std::int64_t>{40, 1, 20, 1}, {2, 2}), r, 2, 1);
  EXPECT_EQ(row(second, 0), row(part, 2));
  EXPECT_EQ(row(second, 1), row(part, 3));
  for (const float v : all.to_vector<float>()) ASSERT_TRUE(v >= 0 && v <= 1);
}

TEST(augment_image, errors) {
  const Tensor x = pictures(2, 8, 8);
  const auto with = [&](const Augmentation& r) {
    return error_of([&] { augment_image({}, x, count_up(2), r, 0, 2); });
  };
  EXPECT_EQ(with({.flip = 1.5}), "[augment_image] flip must be between 0 and 1: got 1.5");
  EXPECT_EQ(with({.hue = 0.6}), "[augment_image] hue must be between 0 and 0.5: got 0.6");
  EXPECT_EQ(with({.area = {0, 1}}),
            "[augment_image] area must be a range within 0 .. 1, 0 itself left out: got 0 .. 1");
  EXPECT_EQ(
      with({.aspect = {2, 1}}),
      "[augment_image] aspect must be a range within 0 .. 100, 0 itself left out: got 2 .. 1");
  EXPECT_EQ(with({.blur = 1, .kernel = 4}),
            "[augment_image] the blur's kernel must be odd, or 0 for a tenth of the height: got 4");
  EXPECT_NE(with({.blur = 1, .kernel = 17})
                .find("the blur's kernel must be at most 127, and its half smaller than the view: "
                      "got 17 for out (4, 8, 8, 3)"),
            std::string::npos);
  EXPECT_EQ(with({.cutout = 1, .cutout_size = 0}),
            "[augment_image] cutout_size must be at least 1: got 0");
  EXPECT_EQ(error_of([&] { augment_image({}, x, count_up(3), {}, 0, 2); }),
            "[augment_image] needs a sample id and a view a picture, (N, 2) i64: got ids (3, 2) "
            "i64 cpu for images (2, 8, 8, 3) u8 cpu");
  EXPECT_EQ(error_of([&] { augment_image({}, x, count_up(2), {}, 0, 0); }),
            "[augment_image] a picture has at least one view: got 0");
  EXPECT_EQ(
      error_of([&] { augment_image({}, pictures(2, 4, 4, 2), count_up(2), {}, 0, 1); }),
      "[augment_image] pictures must be (N, H, W, 1 or 3) u8: got images (2, 4, 4, 2) u8 cpu");
  EXPECT_EQ(
      error_of([&] {
        augment_image({}, Tensor::zeros({2, 4, 4, 3}), count_up(2), {}, 0, 1);
      }),
      "[augment_image] pictures must be (N, H, W, 1 or 3) u8: got images (2, 4, 4, 3) f32 cpu");
  EXPECT_NE(error_of([&] {
              apply_views(x, Tensor::zeros({3, 16}), {});
            }).find("views must be (a multiple of 2, 16) f32"),
            std::string::npos);
}

}  // namespace lacuna
