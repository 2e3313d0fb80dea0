// Shifted pictures against their formulas.
#include "../../ssl/corrupted.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../errors.h"
#include "../nn/support.h"
#include "vectors.h"

namespace lacuna {
namespace {

using Pixels = std::vector<std::uint8_t>;

Pixels changed(const Corruption& c, Pixels pixels, std::int64_t h, std::int64_t w,
               std::int64_t channels, std::int64_t sample = 0) {
  corrupt(c, sample, pixels.data(), h, w, channels);
  return pixels;
}

}  // namespace

TEST(corrupted, brightness_and_contrast) {
  EXPECT_EQ(changed({"brightness", 2}, {0, 100, 250}, 1, 3, 1), (Pixels{26, 126, 255}));
  // Two channels, each about its own mean: 100 and 20; severity 3 halves again and more: 0.4.
  EXPECT_EQ(changed({"contrast", 3}, {50, 20, 150, 20}, 1, 2, 2), (Pixels{80, 20, 120, 20}));
}

TEST(corrupted, blur_is_a_gaussian_mean) {
  Pixels dot(9 * 9, 0);
  dot[4 * 9 + 4] = 255;
  const Pixels got = changed({"blur", 5}, dot, 9, 9, 1);
  double total = 0;
  for (int k = -4; k <= 4; k++) total += std::exp(-0.5 * k * k);
  for (int y = 0; y < 9; y++)
    for (int x = 0; x < 9; x++)
      EXPECT_NEAR(got[y * 9 + x],
                  255 * std::exp(-0.5 * ((x - 4) * (x - 4) + (y - 4) * (y - 4))) / (total * total),
                  0.501);
  const Pixels flat(5 * 4 * 3, 77);
  EXPECT_EQ(changed({"blur", 3}, flat, 5, 4, 3), flat);
}

TEST(corrupted, noise_has_its_deviation_and_depends_on_the_sample) {
  const Pixels grey(64 * 64 * 3, 128);
  const Pixels a = changed({"noise", 5}, grey, 64, 64, 3, 1);
  double sum = 0, square = 0;
  for (std::uint8_t v : a) sum += v, square += v * v;
  const auto n = static_cast<double>(a.size());
  EXPECT_NEAR(sum / n, 128, 1);
  EXPECT_NEAR(std::sqrt(square / n - sum / n * (sum / n)), 25.5, 0.6);
  EXPECT_EQ(changed({"noise", 5}, grey, 64, 64, 3, 1), a);
  EXPECT_NE(changed({"noise", 5}, grey, 64, 64, 3, 2), a);
}

TEST(corrupted, source_keeps_all_else) {
  const auto source = std::make_shared<Colours>(9);
  for (const std::string& kind : corruption_kinds()) {
    const auto shifted = corrupted(source, {kind, 3});
    EXPECT_EQ(shifted->size(), 9);
    EXPECT_EQ(shifted->classes(), source->classes());
    EXPECT_EQ(shifted->name(), "colours with " + kind + ":3");
    const Batch is = read_batch(*shifted, {4, 5}), was = read_batch(*source, {4, 5});
    EXPECT_EQ(is["label"].to_vector<std::int64_t>(), was["label"].to_vector<std::int64_t>());
    EXPECT_NE(is["image"].to_vector<int>(), was["image"].to_vector<int>()) << kind;
  }
}

TEST(corrupted, parses) {
  Corruption c;
  EXPECT_TRUE(parse_corruption("blur", c));
  EXPECT_EQ(c.severity, 3);
  EXPECT_TRUE(parse_corruption("noise:5", c));
  EXPECT_EQ(c.kind, "noise");
  EXPECT_EQ(c.severity, 5);
  EXPECT_FALSE(parse_corruption("cifar10:DIR", c));
  EXPECT_THROWS_WITH(parse_corruption("blur:6", c), "a severity is 1 to 5: got \"blur:6\"");
  EXPECT_THROWS_WITH(parse_corruption("blur:", c), "a severity is 1 to 5");
  EXPECT_THROWS_WITH(changed({"fog", 1}, {1}, 1, 1, 1), "no such corruption");
}

}  // namespace lacuna
