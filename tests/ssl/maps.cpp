// PCA against a direct decomposition of the covariance, t-SNE by what it must keep.
#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/elementwise.h"
#include "../../kernels/cpu/parallel.h"
#include "../../ssl/pca.h"
#include "../../ssl/tsne.h"
#include "../errors.h"
#include "../nn/support.h"
#include "vectors.h"

namespace lacuna {
namespace {

using Matrix = std::vector<std::vector<double>>;

// The power method with deflation, on the covariance matrix itself, until nothing moves.
Matrix directions_of(const std::vector<double>& x, std::int64_t n, std::int64_t d, int count,
                     std::vector<double>& variance) {
  std::vector<double> mean(d);
  for (std::int64_t i = 0; i < n * d; i++) mean[i % d] += x[i] / static_cast<double>(n);
  Matrix c(d, std::vector<double>(d)), found;
  for (std::int64_t i = 0; i < n; i++)
    for (std::int64_t a = 0; a < d; a++)
      for (std::int64_t b = 0; b < d; b++)
        c[a][b] += (x[i * d + a] - mean[a]) * (x[i * d + b] - mean[b]) / static_cast<double>(n - 1);
  for (int k = 0; k < count; k++) {
    std::vector<double> v(d, 1);
    double length = 0;
    for (int step = 0; step < 20000; step++) {
      std::vector<double> w(d);
      for (std::int64_t a = 0; a < d; a++)
        for (std::int64_t b = 0; b < d; b++) w[a] += c[a][b] * v[b];
      length = 0;
      for (double value : w) length += value * value;
      length = std::sqrt(length);
      for (std::int64_t a = 0; a < d; a++) v[a] = w[a] / length;
    }
    variance.push_back(length);
    for (std::int64_t a = 0; a < d; a++)
      for (std::int64_t b = 0; b < d; b++) c[a][b] -= length * v[a] * v[b];
    found.push_back(v);
  }
  return found;
}

// Directions of known variance, mixed, far from the origin.
Tensor stretched(std::int64_t n, std::int64_t d) {
  std::vector<float> x(static_cast<std::size_t>(n * d));
  for (std::int64_t i = 0; i < n; i++)
    for (std::int64_t a = 0; a < d; a++) {
      double value = 10;
      for (std::int64_t b = 0; b < d; b++)
        value +=
            normal_word(5, i * d + b) * normal_word(6, a * d + b) / (1.0 + static_cast<double>(b));
      x[static_cast<std::size_t>(i * d + a)] = static_cast<float>(value);
    }
  return Tensor::from(x, {n, d});
}

}  // namespace

TEST(pca, is_the_decomposition_of_the_covariance) {
  const std::int64_t n = 200, d = 20;
  const Tensor x = stretched(n, d);
  const Pca got = pca(x, 3);
  std::vector<double> variance;
  const auto values = x.to_vector<double>();
  const Matrix want = directions_of(values, n, d, 3, variance);
  const auto components = got.components.to_vector<double>(),
             along = got.projected.to_vector<double>();
  for (int k = 0; k < 3; k++) {
    EXPECT_NEAR(got.variance[k], variance[k], 1e-4 * variance[0]);
    double dot = 0, most = 0;
    for (std::int64_t a = 0; a < d; a++) {
      dot += components[k * d + a] * want[k][a];
      if (std::fabs(components[k * d + a]) > std::fabs(most)) most = components[k * d + a];
    }
    EXPECT_NEAR(std::fabs(dot), 1, 1e-4) << k;
    EXPECT_GT(most, 0);
    double sum = 0, square = 0;
    for (std::int64_t i = 0; i < n; i++) {
      sum += along[i * 3 + k];
      square += along[i * 3 + k] * along[i * 3 + k];
    }
    EXPECT_NEAR(sum / n, 0, 1e-4);
    EXPECT_NEAR(square / (n - 1), got.variance[k], 1e-4 * got.variance[0]);
  }
  EXPECT_GT(got.variance[0], got.variance[1]);
  double total = 0;
  for (double v : pca(x, d).variance) total += v;
  EXPECT_NEAR(got.total, total, 1e-4 * total);
}

TEST(pca, of_a_line_of_equal_and_of_few_vectors) {
  std::vector<float> line;
  for (int i = 0; i < 10; i++) line.insert(line.end(), {3.0f * i, 4.0f * i, 7.0f});
  const Pca got = pca(Tensor::from(line, {10, 3}), 2);
  EXPECT_NEAR(got.variance[0] / got.total, 1, 1e-5);
  EXPECT_NEAR(got.variance[1], 0, 1e-3);
  EXPECT_NEAR(got.components.to_vector<float>()[0], 0.6, 1e-4);
  EXPECT_NEAR(got.components.to_vector<float>()[1], 0.8, 1e-4);
  const Pca none = pca(Tensor::full({5, 4}, 3), 2);
  EXPECT_EQ(none.total, 0);
  for (float v : none.projected.to_vector<float>()) EXPECT_EQ(v, 0);
  EXPECT_THROWS_WITH(pca(Tensor::zeros({1, 4}), 1), "at least two vectors");
  EXPECT_THROWS_WITH(pca(Tensor::zeros({3, 4}), 4), "k must be from 1 to 3");
}

TEST(tsne, keeps_clusters_apart_and_neighbours_together) {
  const std::int64_t n = 120;
  const Tensor x = clusters(n, 10, 4, 3, 1);
  const auto labels = turns(n, 4);
  const Tsne got = tsne(x, {.perplexity = 10, .steps = 300});
  EXPECT_EQ(got.y.shape(), (Shape{n, 2}));
  EXPECT_GT(same_label_share(got.y, labels, 10), 0.98);
  EXPECT_GT(got.kl, 0);
  EXPECT_LT(got.kl, 1);
  // Further steps make the divergence smaller.
  EXPECT_LT(got.kl, tsne(x, {.perplexity = 10, .steps = 20}).kl);
  // Without structure a class's neighbours are anyone.
  const Tsne nothing = tsne(clusters(n, 10, 4, 0, 1), {.perplexity = 10, .steps = 100});
  EXPECT_LT(same_label_share(nothing.y, labels, 10), 0.4);
}

TEST(tsne, same_bits_for_any_number_of_threads) {
  const Tensor x = clusters(60, 8, 3, 1, 1);
  const int threads = cpu::threads();
  cpu::set_threads(1);
  const auto one = tsne(x, {.perplexity = 8, .steps = 60}).y.to_vector<float>();
  cpu::set_threads(3);
  const auto three = tsne(x, {.perplexity = 8, .steps = 60}).y.to_vector<float>();
  cpu::set_threads(threads);
  EXPECT_EQ(one, three);
}

TEST(tsne, equal_vectors_stay_finite) {
  for (float v :
       tsne(Tensor::full({10, 3}, 2), {.perplexity = 2, .steps = 20}).y.to_vector<float>())
    EXPECT_TRUE(std::isfinite(v));
  EXPECT_THROWS_WITH(tsne(Tensor::zeros({3, 2})), "4 to 5,000 vectors");
  EXPECT_THROWS_WITH(tsne(Tensor::zeros({30, 2})), "at most a third of the other vectors: got 30");
}

TEST(tsne, share_of_same_labels) {
  const Tensor y = Tensor::of({0, 0, 1, 0, 10, 0, 11, 0}, {4, 2});
  EXPECT_DOUBLE_EQ(same_label_share(y, {0, 0, 1, 1}, 1), 1);
  EXPECT_DOUBLE_EQ(same_label_share(y, {0, 1, 0, 1}, 1), 0);
  EXPECT_DOUBLE_EQ(same_label_share(y, {0, 0, 0, 1}, 1), 0.5);
  EXPECT_THROWS_WITH(same_label_share(y, {0}, 1), "a label a point");
}

}  // namespace lacuna
