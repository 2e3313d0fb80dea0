// What embeddings look like, against the definitions.
#include "../../ssl/embedding_metrics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/layer_norm.h"
#include "../nn/hashed.h"

namespace lacuna {
namespace {

Tensor random_rows(std::int64_t n, std::int64_t width) {
  return Tensor::from(hashed("rows", n * width), {n, width});
}

}  // namespace

TEST(embedding_metrics, are_their_definitions) {
  const int n = 6, width = 5;
  const Tensor unit = l2_normalise(random_rows(2 * n, width));
  const auto u = unit.to_vector<double>();
  const auto distance2 = [&](int i, int j) {
    double sum = 0;
    for (int k = 0; k < width; k++) sum += std::pow(u[i * width + k] - u[j * width + k], 2);
    return sum;
  };
  double near = 0, pairs = 0;
  for (int i = 0; i < n; i++) near += distance2(i, n + i) / n;
  for (int i = 0; i < 2 * n; i++)
    for (int j = 0; j < 2 * n; j++)
      if (i != j) pairs += std::exp(-2 * distance2(i, j)) / (2 * n * (2 * n - 1));
  EXPECT_NEAR(alignment(unit).item(), near, 1e-6);
  EXPECT_NEAR(uniformity(unit).item(), std::log(pairs), 1e-6);
}

TEST(embedding_metrics, a_sphere_has_a_std_of_one_and_a_point_none) {
  // Both ends of each axis.
  const int width = 8;
  std::vector<float> ends(2 * width * width);
  for (int i = 0; i < width; i++) {
    ends[i * width + i] = 1;
    ends[(width + i) * width + i] = -1;
  }
  const Tensor sphere = Tensor::from(ends, {2 * width, width});
  EXPECT_NEAR(feature_std(sphere).item(), 1, 1e-6);
  EXPECT_NEAR(effective_rank(sphere).item(), width, 1e-4);
  const Tensor point = Tensor::full({7, width}, 0.5);
  EXPECT_NEAR(feature_std(point).item(), 0, 1e-6);
  EXPECT_NEAR(uniformity(l2_normalise(point)).item(), 0, 1e-5);
  EXPECT_LT(effective_rank(point).item(), 1e-6);
}

TEST(embedding_metrics, rank_counts_directions) {
  // Variances 1 and 1/4 along two axes: (5/4)^2 / (17/16).
  const Tensor two = Tensor::of({2, 0, 0, -2, 0, 0, 0, 1, 0, 0, -1, 0}, {4, 3});
  EXPECT_NEAR(effective_rank(two).item(), 25.0 / 17, 1e-6);
  const Tensor line = Tensor::of({1, 1, 2, 2, 5, 5}, {3, 2});
  EXPECT_NEAR(effective_rank(line).item(), 1, 1e-6);
}

TEST(embedding_metrics, a_collapse_is_said_once) {
  CollapseWatch watch;
  const Metrics good{{"feature_std", 0.5}, {"effective_rank", 9}},
      point{{"feature_std", 0.01}, {"effective_rank", 9}},
      line{{"feature_std", 0.5}, {"effective_rank", 1.1}};
  for (int i = 0; i < 4; i++) EXPECT_EQ(watch.see(point), "");
  EXPECT_EQ(watch.see(good), "");
  for (int i = 0; i < 4; i++) EXPECT_EQ(watch.see(line), "");
  EXPECT_NE(watch.see(point).find("have collapsed"), std::string::npos);
  EXPECT_EQ(watch.see(point), "");
}

}  // namespace lacuna
