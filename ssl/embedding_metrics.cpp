#include "embedding_metrics.h"

#include <cmath>

#include "../core/ops/elementwise.h"
#include "../core/ops/layer_norm.h"
#include "../core/ops/matmul.h"
#include "../core/ops/reduce.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"

namespace lacuna {
namespace {

Tensor centred(const Tensor& rows) { return rows - mean(rows, {0}, true); }

Tensor gram(const Tensor& rows) { return matmul(rows, rows, {.transpose_b = true}); }

}  // namespace

Tensor alignment(const Tensor& unit) {
  NoGrad guard;
  const std::int64_t n = unit.dim(0) / 2;
  return mean(sum(square(slice(unit, 0, 0, n) - slice(unit, 0, n, 2 * n)), {1}));
}

Tensor uniformity(const Tensor& unit) {
  NoGrad guard;
  // |u_i - u_j|^2 = 2 - 2 u_i . u_j; a row and itself add 1 each to the sum.
  const double n = static_cast<double>(unit.dim(0));
  const Tensor all = sum(exp(affine(gram(unit), 4, -4)));
  return log(affine(all, 1 / (n * (n - 1)), -1 / (n - 1)));
}

Tensor feature_std(const Tensor& unit) {
  NoGrad guard;
  return mean(sqrt(var(unit, {0}, false, false))) * std::sqrt(static_cast<double>(unit.dim(1)));
}

Tensor effective_rank(const Tensor& features) {
  NoGrad guard;
  const Tensor rows = centred(features);
  const Tensor squares = sum(square(gram(rows)));
  return square(sum(square(rows))) / (squares + 1e-30);
}

std::map<std::string, Tensor> embedding_metrics(const Tensor& features, const Tensor& embeddings) {
  NoGrad guard;
  const std::int64_t n = features.dim(0) / 2;
  const Tensor unit = l2_normalise(to(embeddings, Dtype::f32));
  const Tensor first = slice(unit, 0, 0, n);
  std::map<std::string, Tensor> figures{
      {"alignment", alignment(unit)},
      {"feature_std", feature_std(first)},
      {"effective_rank", effective_rank(to(slice(features, 0, 0, n), Dtype::f32))}};
  if (n >= 2) figures["uniformity"] = uniformity(first);
  return figures;
}

std::map<std::string, std::string> embedding_figures() {
  return {{"alignment", "mean squared distance of the embeddings of two views; 0: they agree"},
          {"uniformity",
           "log of the mean of exp(-2 d^2) over the distances d of embeddings; 0: all are one "
           "point, about -4: spread over the sphere"},
          {"feature_std",
           "mean deviation of an embedding's numbers, times the root of how many there are; 0: all "
           "are one point, 1: spread over the sphere"},
          {"effective_rank",
           "dimensions that the encoder's features use: the participation ratio (sum l)^2 / sum "
           "l^2 of the eigenvalues l of their covariance"}};
}

std::string CollapseWatch::see(const Metrics& logged) {
  double spread = 1, rank = 2;
  for (const auto& [name, value] : logged) {
    if (name == "feature_std") spread = value;
    if (name == "effective_rank") rank = value;
  }
  lines_ = spread < 0.05 || rank < 1.5 ? lines_ + 1 : 0;
  if (lines_ != 5) return "";
  return "the features have collapsed for 5 lines of the log: feature_std " +
         std::to_string(spread) + " (1: spread over the sphere, 0: one point), effective_rank " +
         std::to_string(rank) + "; another optim.lr, a longer warm-up or larger batches may help";
}

}  // namespace lacuna
