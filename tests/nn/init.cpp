#include "../../nn/init.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support.h"

namespace lacuna {
namespace {

struct Moments {
  double mean = 0, std = 0, low = 0, high = 0;
};

Moments moments(const Initializer& initializer) {
  Tensor t = Tensor::empty({200, 250});
  initialize(t, initializer, 3, "layer.weight");
  const auto v = t.to_vector<double>();
  Moments m;
  for (double x : v) m.mean += x / static_cast<double>(v.size());
  for (double x : v) m.std += (x - m.mean) * (x - m.mean) / static_cast<double>(v.size());
  m.std = std::sqrt(m.std);
  m.low = *std::min_element(v.begin(), v.end());
  m.high = *std::max_element(v.begin(), v.end());
  return m;
}

void expect_uniform(const Initializer& initializer, double bound) {
  const Moments m = moments(initializer);
  EXPECT_NEAR(m.mean, 0, 0.01 * bound);
  EXPECT_NEAR(m.std, bound / std::sqrt(3.0), 0.01 * bound);
  EXPECT_LE(m.high, bound);
  EXPECT_GE(m.low, -bound);
  EXPECT_GT(m.high, 0.999 * bound);
  EXPECT_LT(m.low, -0.999 * bound);
}

}  // namespace

TEST(init, uniform_ones) {
  expect_uniform(init::fan_in_uniform(27), 1 / std::sqrt(27.0));
  expect_uniform(init::kaiming_uniform(64), std::sqrt(6.0 / 64));
  expect_uniform(init::xavier_uniform(100, 50), std::sqrt(6.0 / 150));
}

TEST(init, normal_ones) {
  for (auto [initializer, mean, std] : {std::tuple{init::normal(1, 2), 1.0, 2.0},
                                        {init::kaiming_normal(50), 0.0, 0.2},
                                        {init::xavier_normal(30, 20), 0.0, 0.2}}) {
    const Moments m = moments(initializer);
    EXPECT_NEAR(m.mean, mean, 0.015 * std);
    EXPECT_NEAR(m.std, std, 0.01 * std);
    EXPECT_GT(m.high, mean + 3.5 * std);
  }
}

TEST(init, truncated_normal_ends_at_two_deviations) {
  const Moments m = moments(init::truncated_normal(0.02));
  EXPECT_NEAR(m.mean, 0, 3e-4);
  EXPECT_NEAR(m.std, 0.02 * 0.8796256610342398, 2e-4);  // sqrt(1 - 4 phi(2) / (2 Phi(2) - 1))
  EXPECT_LE(m.high, 0.04);
  EXPECT_GE(m.low, -0.04);
  EXPECT_GT(m.high, 0.0398);
}

TEST(init, constant_empty_and_other_types) {
  EXPECT_EQ(moments(init::constant(1.5)).low, 1.5);
  EXPECT_EQ(moments(init::constant(1.5)).high, 1.5);
  Tensor empty = Tensor::empty({0});
  initialize(empty, init::normal(0, 1), 1, "x");
  Tensor integers = Tensor::zeros({2}, Dtype::i32);
  EXPECT_THROWS_WITH(initialize(integers, init::normal(0, 1), 1, "x"), "floating-point");
  Tensor wide = Tensor::empty({7}, Dtype::f64), narrow = Tensor::empty({7});
  initialize(wide, init::uniform(1), 1, "x");
  initialize(narrow, init::uniform(1), 1, "x");
  EXPECT_EQ(wide.to_vector<double>(), narrow.to_vector<double>());
}

}  // namespace lacuna
