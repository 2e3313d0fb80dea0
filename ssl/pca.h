#pragma once
// Principal components: the directions along which vectors differ most (Pearson 1901). By subspace iteration with a Rayleigh-Ritz
// step (Halko, Martinsson, Tropp 2011, section 4.5), without the covariance matrix:
//
//   C = X^T X / (n - 1), X the centred vectors;   Q <- orthonormal basis of C Q, until the variances stand still
#include <vector>

#include "../core/tensor.h"

namespace lacuna {

struct Pca {
  Tensor components;             // (k, d) f32: orthonormal, the largest number of each is positive
  std::vector<double> variance;  // along each, falling
  double total = 0;              // of all d directions together
  Tensor projected;              // (n, k) f32: centred vectors along the components
};

/// x (n, d) f32 on cpu, n at least 2; k in [1, min(n, d)].
Pca pca(const Tensor& x, std::int64_t k);

}  // namespace lacuna
