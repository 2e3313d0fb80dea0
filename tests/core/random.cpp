#include "../../kernels/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace lacuna {

// Known answers of Random123 (kat_vectors, philox4x32 10).
TEST(random, philox_matches_the_published_vectors) {
  const auto expect = [](Philox4 got, std::vector<std::uint32_t> want) {
    for (int i = 0; i < 4; i++) EXPECT_EQ(got.v[i], want[i]) << i;
  };
  expect(philox4x32({{0, 0, 0, 0}}, 0, 0), {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
  const std::uint32_t f = 0xffffffffu;
  expect(philox4x32({{f, f, f, f}}, f, f), {0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
  expect(
      philox4x32({{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}}, 0xa4093822u, 0x299f31d0u),
      {0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

TEST(random, keys_differ_in_every_part) {
  const auto key = [](std::uint64_t s, const char* stream, std::uint64_t e) {
    return RandomKey::of(s, stream_of(stream), e).value;
  };
  EXPECT_NE(key(0, "a", 0), key(1, "a", 0));
  EXPECT_NE(key(0, "a", 0), key(0, "b", 0));
  EXPECT_NE(key(0, "a", 0), key(0, "a", 1));
  EXPECT_NE(draw_word({1}, 0, 0, 0), draw_word({1}, 0, 0, 1));
  EXPECT_NE(draw_word({1}, 0, 0, 0), draw_word({1}, 0, 1, 0));
}

TEST(random, permutation_is_a_bijection) {
  for (std::uint64_t n : {1, 2, 3, 5, 16, 17, 1000, 50000}) {
    std::vector<int> seen(n);
    int fixed = 0;
    for (std::uint64_t i = 0; i < n; i++) {
      const auto j = permute({n * 77}, i, n);
      ASSERT_LT(j, n);
      seen[j]++;
      fixed += j == i;
    }
    for (int count : seen) ASSERT_EQ(count, 1);
    if (n > 100) {
      EXPECT_LT(fixed, 12);  // about one in a random permutation
    }
  }
}

// Neighbouring places must not go to neighbouring ones: over n = 1000 the rank correlation of a random permutation has a
// standard deviation of 0.03.
TEST(random, permutation_is_uncorrelated) {
  for (std::uint64_t k = 0; k < 20; k++) {
    double sum = 0;
    const int n = 1000;
    for (int i = 0; i < n; i++)
      sum += (i - 499.5) * (static_cast<double>(permute(RandomKey::of(k, 1), i, n)) - 499.5);
    EXPECT_LT(std::fabs(sum / (n * 83333.25)), 0.15) << k;
  }
}

TEST(random, bernoulli_threshold) {
  EXPECT_FALSE(BernoulliThreshold(0)(0));
  EXPECT_TRUE(BernoulliThreshold(1)(0xffffffffu));
  const int n = 1 << 20;
  int hits = 0;
  for (int i = 0; i < n; i++) hits += BernoulliThreshold(0.15)(draw_word({5}, i, 3));
  EXPECT_NEAR(hits, 0.15 * n, 4 * std::sqrt(n * 0.15 * 0.85));
}

TEST(random, normal_inverts_the_distribution_function) {
  for (double p : {1e-9, 1e-4, 0.02, 0.0243, 0.3, 0.5, 0.7, 0.98, 1 - 1e-6})
    EXPECT_NEAR(0.5 * std::erfc(-inverse_normal(p) / std::sqrt(2.0)), p, 3e-9 * std::max(p, 1e-1))
        << p;
  double sum = 0, squares = 0;
  const int n = 200000;
  for (int i = 0; i < n; i++) {
    const double x = normal_of(draw_word({9}, i, 0));
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 4 * std::sqrt(2.0 / n));
}

}  // namespace lacuna
