#include "tsne.h"

#include <algorithm>
#include <cmath>

#include "../core/ops/elementwise.h"
#include "../core/ops/matmul.h"
#include "../core/ops/reduce.h"
#include "../core/tape.h"
#include "../kernels/cpu/parallel.h"
#include "pca.h"

namespace lacuna {
namespace {

constexpr const char* kTsneOp = "tsne";
constexpr double kExaggeration = 12;

template <class Row>
void each_row(std::int64_t n, Row&& row) {
  cpu::parallel_for(n, 8, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i++) row(i);
  });
}

// |x_i|^2 + |x_j|^2 - 2 x_i . x_j of centred vectors, so that little is lost to cancellation.
std::vector<float> square_distances(const Tensor& x) {
  NoGrad guard;
  const Tensor centred = x - mean(x, {0});
  const Tensor products = matmul(centred, centred, {.transpose_b = true});
  const std::int64_t n = x.dim(0);
  std::vector<float> d(static_cast<std::size_t>(n * n));
  const float* const dots = products.data<float>();
  each_row(n, [&](std::int64_t i) {
    for (std::int64_t j = 0; j < n; j++)
      d[static_cast<std::size_t>(i * n + j)] =
          i == j ? 0
                 : std::max(0.0f,
                            dots[i * n + i] + dots[j * n + j] - dots[i * n + j] - dots[j * n + i]);
  });
  return d;
}

// p_j|i of a row: the width of its Gaussian is found by halving until the entropy is log(perplexity).
void neighbours_of(const float* d, std::int64_t n, std::int64_t i, double perplexity, float* p) {
  double nearest = INFINITY;
  for (std::int64_t j = 0; j < n; j++)
    if (j != i) nearest = std::min(nearest, static_cast<double>(d[j]));
  double mean = 0;
  for (std::int64_t j = 0; j < n; j++) mean += d[j] - (j == i ? 0 : nearest);
  mean = (mean + nearest) / static_cast<double>(n - 1);
  double beta = mean > 0 ? 1 / mean : 1, low = 0, high = INFINITY, total = 1;
  for (int step = 0; step < 100; step++) {
    double weighted = 0;
    total = 0;
    for (std::int64_t j = 0; j < n; j++) {
      if (j == i) continue;
      const double away = d[j] - nearest, e = std::exp(-beta * away);
      total += e;
      weighted += away * e;
    }
    const double wrong = std::log(total) + beta * weighted / total - std::log(perplexity);
    if (std::fabs(wrong) < 1e-6) break;
    (wrong > 0 ? low : high) = beta;
    beta = std::isinf(high) ? beta * 2 : (low + high) / 2;
  }
  for (std::int64_t j = 0; j < n; j++)
    p[j] = j == i ? 0 : static_cast<float>(std::exp(-beta * (d[j] - nearest)) / total);
}

std::vector<float> joint(const Tensor& x, double perplexity) {
  const std::int64_t n = x.dim(0);
  const auto d = square_distances(x);
  std::vector<float> one(d.size()), p(d.size());
  each_row(n, [&](std::int64_t i) {
    neighbours_of(&d[static_cast<std::size_t>(i * n)], n, i, perplexity,
                  &one[static_cast<std::size_t>(i * n)]);
  });
  each_row(n, [&](std::int64_t i) {
    for (std::int64_t j = 0; j < n; j++)
      p[static_cast<std::size_t>(i * n + j)] =
          (one[static_cast<std::size_t>(i * n + j)] + one[static_cast<std::size_t>(j * n + i)]) /
          static_cast<float>(2 * n);
  });
  return p;
}

std::vector<double> start(const Tensor& x) {
  const std::int64_t n = x.dim(0), k = std::min<std::int64_t>(2, x.dim(1));
  const Pca map = pca(x, k);
  const auto along = map.projected.to_vector<double>();
  const double scale = map.variance[0] > 0 ? 1e-4 / std::sqrt(map.variance[0]) : 0;
  std::vector<double> y(static_cast<std::size_t>(2 * n));
  for (std::int64_t i = 0; i < n; i++)
    for (std::int64_t c = 0; c < k; c++) y[2 * i + c] = along[i * k + c] * scale;
  return y;
}

}  // namespace

Tsne tsne(const Tensor& x, const TsneOptions& options) {
  LACUNA_CHECK(
      x.defined() && x.ndim() == 2 && x.dtype() == Dtype::f32 && x.dim(0) >= 4 && x.dim(0) <= 5000,
      kTsneOp, "needs 4 to 5,000 vectors (n, d) f32: got ", describe("x", x));
  const std::int64_t n = x.dim(0);
  LACUNA_CHECK(options.perplexity > 1 && options.perplexity <= static_cast<double>(n - 1) / 3,
               kTsneOp,
               "the perplexity must be above 1 and at most a third of the other vectors: got ",
               options.perplexity, " for ", n);
  LACUNA_CHECK(options.steps >= 1, kTsneOp, "needs at least one step: got ", options.steps);
  const auto p = joint(x, options.perplexity);
  std::vector<double> y = start(x), next(y.size()), velocity(y.size()), gains(y.size(), 1.0),
                      sums(static_cast<std::size_t>(n)), costs(static_cast<std::size_t>(n));
  const double rate = std::max(static_cast<double>(n) / kExaggeration / 4, 50.0);
  const auto closeness = [&](std::int64_t i, std::int64_t j) {
    const double a = y[2 * i] - y[2 * j], b = y[2 * i + 1] - y[2 * j + 1];
    return 1 / (1 + a * a + b * b);
  };
  // Sums in the order of the rows: the same bits for any number of threads.
  const auto total_closeness = [&] {
    each_row(n, [&](std::int64_t i) {
      double sum = 0;
      for (std::int64_t j = 0; j < n; j++) sum += closeness(i, j);
      sums[i] = sum - 1;
    });
    double total = 0;
    for (double s : sums) total += s;
    return total;
  };
  for (int step = 0; step < options.steps; step++) {
    const bool early = step < options.steps / 4;
    const double exaggeration = early ? kExaggeration : 1, momentum = early ? 0.5 : 0.8;
    const double total = total_closeness();
    each_row(n, [&](std::int64_t i) {
      double gradient[2] = {};
      for (std::int64_t j = 0; j < n; j++) {
        const double close = closeness(i, j);
        const double pull =
            (exaggeration * p[static_cast<std::size_t>(i * n + j)] - close / total) * close;
        gradient[0] += pull * (y[2 * i] - y[2 * j]);
        gradient[1] += pull * (y[2 * i + 1] - y[2 * j + 1]);
      }
      for (std::int64_t c = 0; c < 2; c++) {
        const std::int64_t e = 2 * i + c;
        const double g = 4 * gradient[c];
        gains[e] = std::max((g > 0) != (velocity[e] > 0) ? gains[e] + 0.2 : gains[e] * 0.8, 0.01);
        velocity[e] = momentum * velocity[e] - rate * gains[e] * g;
        next[e] = y[e] + velocity[e];
      }
    });
    y = next;
    for (int c = 0; c < 2; c++) {
      double middle = 0;
      for (std::int64_t i = 0; i < n; i++) middle += y[2 * i + c];
      for (std::int64_t i = 0; i < n; i++) y[2 * i + c] -= middle / static_cast<double>(n);
    }
  }
  const double total = total_closeness();
  each_row(n, [&](std::int64_t i) {
    double cost = 0;
    for (std::int64_t j = 0; j < n; j++) {
      const double pij = p[static_cast<std::size_t>(i * n + j)];
      if (pij > 0) cost += pij * std::log(pij * total / closeness(i, j));
    }
    costs[i] = cost;
  });
  Tsne out;
  for (double cost : costs) out.kl += cost;
  out.y = Tensor::from(std::vector<float>(y.begin(), y.end()), {n, 2});
  return out;
}

double same_label_share(const Tensor& y, const std::vector<std::int64_t>& labels, std::int64_t k) {
  const std::int64_t n = y.dim(0);
  LACUNA_CHECK(y.ndim() == 2 && y.dim(1) == 2 && static_cast<std::int64_t>(labels.size()) == n &&
                   k >= 1 && k < n,
               kTsneOp, "needs a map (n, 2), a label a point and k below n: got ", describe("y", y),
               ", ", labels.size(), " and ", k);
  const auto at = y.to_vector<double>();
  std::int64_t same = 0;
  std::vector<std::pair<double, std::int64_t>> others;
  for (std::int64_t i = 0; i < n; i++) {
    others.clear();
    for (std::int64_t j = 0; j < n; j++)
      if (j != i)
        others.emplace_back(std::hypot(at[2 * i] - at[2 * j], at[2 * i + 1] - at[2 * j + 1]), j);
    std::partial_sort(others.begin(), others.begin() + k, others.end());
    for (std::int64_t r = 0; r < k; r++) same += labels[others[r].second] == labels[i];
  }
  return static_cast<double>(same) / static_cast<double>(n * k);
}

}  // namespace lacuna
