#include "pca.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../core/ops/elementwise.h"
#include "../core/ops/matmul.h"
#include "../core/ops/reduce.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"
#include "../kernels/random.h"

namespace lacuna {
namespace {

constexpr const char* kPcaOp = "pca";
constexpr std::int64_t kMore =
    8;  // columns beyond k: the k-th converges as fast as the (k + 8)-th is smaller
constexpr int kMostSteps = 300;

using Columns = std::vector<std::vector<double>>;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// Gram-Schmidt, twice, which is enough (Giraud, Langou, Rozloznik 2005). A column that vanishes becomes 0.
void orthonormalise(Columns& q) {
  for (std::size_t i = 0; i < q.size(); i++) {
    const double before = std::sqrt(dot(q[i], q[i]));
    for (int pass = 0; pass < 2; pass++)
      for (std::size_t j = 0; j < i; j++) {
        const double along = dot(q[i], q[j]);
        for (std::size_t e = 0; e < q[i].size(); e++) q[i][e] -= along * q[j][e];
      }
    const double norm = std::sqrt(dot(q[i], q[i]));
    const double scale = norm > 1e-10 * before && norm > 0 ? 1 / norm : 0;
    for (double& v : q[i]) v *= scale;
  }
}

Tensor tensor_of(const Columns& q) {  // (d, p)
  const auto p = static_cast<std::int64_t>(q.size()), d = static_cast<std::int64_t>(q[0].size());
  std::vector<float> values(static_cast<std::size_t>(d * p));
  for (std::int64_t j = 0; j < p; j++)
    for (std::int64_t i = 0; i < d; i++)
      values[static_cast<std::size_t>(i * p + j)] =
          static_cast<float>(q[static_cast<std::size_t>(j)][static_cast<std::size_t>(i)]);
  return Tensor::from(values, {d, p});
}

Columns columns_of(const Tensor& t) {
  const auto values = t.to_vector<double>();
  const auto d = static_cast<std::size_t>(t.dim(0)), p = static_cast<std::size_t>(t.dim(1));
  Columns q(p, std::vector<double>(d));
  for (std::size_t i = 0; i < d; i++)
    for (std::size_t j = 0; j < p; j++) q[j][i] = values[i * p + j];
  return q;
}

// Eigenvectors of a small symmetric matrix, one a row of `vectors`, by Jacobi's rotations; a becomes diagonal.
void diagonalise(Columns& a, Columns& vectors) {
  const std::size_t n = a.size();
  vectors.assign(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; i++) vectors[i][i] = 1;
  for (int sweep = 0; sweep < 60; sweep++) {
    double off = 0, all = 0;
    for (std::size_t i = 0; i < n; i++)
      for (std::size_t j = 0; j < n; j++) (i == j ? all : off) += a[i][j] * a[i][j];
    if (off <= 1e-30 * all) return;
    for (std::size_t p = 0; p < n; p++)
      for (std::size_t q = p + 1; q < n; q++) {
        if (a[p][q] == 0) continue;
        const double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const double t = (theta < 0 ? -1 : 1) / (std::fabs(theta) + std::hypot(theta, 1));
        const double c = 1 / std::hypot(t, 1), s = t * c;
        for (std::size_t k = 0; k < n; k++) {
          const double x = a[k][p], y = a[k][q];
          a[k][p] = c * x - s * y, a[k][q] = s * x + c * y;
        }
        for (std::size_t k = 0; k < n; k++) {
          const double x = a[p][k], y = a[q][k];
          a[p][k] = c * x - s * y, a[q][k] = s * x + c * y;
          const double u = vectors[p][k], v = vectors[q][k];
          vectors[p][k] = c * u - s * v, vectors[q][k] = s * u + c * v;
        }
      }
  }
}

// The basis turned so that its directions are the principal ones within it; their variances, falling. moved = C q.
std::vector<double> turn(Columns& q, const Columns& moved) {
  const std::size_t p = q.size();
  Columns small(p, std::vector<double>(p)), vectors;
  for (std::size_t i = 0; i < p; i++)
    for (std::size_t j = 0; j < p; j++)
      small[i][j] = (dot(q[i], moved[j]) + dot(q[j], moved[i])) / 2;
  diagonalise(small, vectors);
  std::vector<std::size_t> order(p);
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return small[a][a] > small[b][b]; });
  Columns turned;
  std::vector<double> variance;
  for (std::size_t r : order) {
    std::vector<double> column(q[0].size());
    for (std::size_t j = 0; j < p; j++)
      for (std::size_t e = 0; e < column.size(); e++) column[e] += vectors[r][j] * q[j][e];
    turned.push_back(std::move(column));
    variance.push_back(std::max(small[r][r], 0.0));
  }
  q = std::move(turned);
  return variance;
}

}  // namespace

Pca pca(const Tensor& x, std::int64_t k) {
  LACUNA_CHECK(x.defined() && x.ndim() == 2 && x.dtype() == Dtype::f32 && x.dim(0) >= 2, kPcaOp,
               "needs at least two vectors (n, d) f32: got ", describe("x", x));
  const std::int64_t n = x.dim(0), d = x.dim(1);
  LACUNA_CHECK(k >= 1 && k <= std::min(n, d), kPcaOp, "k must be from 1 to ", std::min(n, d),
               ": got ", k);
  NoGrad guard;
  const Tensor centred = x - mean(x, {0});
  const double scale = 1 / static_cast<double>(n - 1);
  const std::int64_t p = std::min(k + kMore, std::min(n, d));
  const auto times_covariance = [&](const Columns& q) {
    const Tensor along = matmul(centred, tensor_of(q));
    return columns_of(matmul(centred, along, {.transpose_a = true}) * scale);
  };
  Columns q(static_cast<std::size_t>(p), std::vector<double>(static_cast<std::size_t>(d)));
  const RandomKey key = RandomKey::of(0, stream_of("pca"));
  for (std::int64_t j = 0; j < p; j++)
    for (std::int64_t i = 0; i < d; i++)
      q[static_cast<std::size_t>(j)][static_cast<std::size_t>(i)] = static_cast<double>(
          normal_of(draw_word(key, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(j))));
  orthonormalise(q);
  std::vector<double> variance;
  int still = 0;
  for (int step = 0; step < kMostSteps && still < 3; step++) {
    Columns moved = times_covariance(q);
    const auto before = variance;
    variance = turn(q, moved);
    bool same = !before.empty();
    for (std::int64_t j = 0; j < k && same; j++)
      same = std::fabs(variance[j] - before[j]) <= 1e-7 * variance[0];
    still = same ? still + 1 : 0;
    if (still == 3) break;
    q = times_covariance(q);
    orthonormalise(q);
  }
  q.resize(static_cast<std::size_t>(k));
  for (auto& column : q) {
    const auto most = std::max_element(column.begin(), column.end(), [](double a, double b) {
      return std::fabs(a) < std::fabs(b);
    });
    if (*most < 0)
      for (double& v : column) v = -v;
  }
  Pca out;
  variance.resize(static_cast<std::size_t>(k));
  out.variance = variance;
  out.total = sum(square(centred)).item() * scale;
  const Tensor basis = tensor_of(q);
  out.components = contiguous(transpose(basis));
  out.projected = matmul(centred, basis);
  return out;
}

}  // namespace lacuna
