#pragma once
// What every rung of this ladder computes: s = a b^T / tau for a (m, depth) and b (count, depth) in bf16, row i without its own
// column self + i (where self >= 0); lse = log sum exp of a row, loss = lse - s at the row's positive column. lse and loss are f32.
#include "../../../kernels/info_nce.h"
#include "../tile.cuh"

namespace lacuna::LACUNA_NS::rungs {

struct InfoNceProblem {
  float *loss, *lse;
  Matrix a, b;
  const std::int64_t* positive;
  int self;
  float inverse;  // 1 / tau

  explicit InfoNceProblem(const InfoNceForward& p)
      : loss(p.loss.as<float>()),
        lse(p.lse.as<float>()),
        a{p.rows.as<bf16>(), static_cast<int>(p.rows.dim(0)), static_cast<int>(p.rows.dim(1))},
        b{p.columns.as<bf16>(), static_cast<int>(p.columns.dim(0)), a.depth},
        positive(p.positive.as<std::int64_t>()),
        self(static_cast<int>(p.self)),
        inverse(static_cast<float>(1 / p.temperature)) {
    LACUNA_CHECK(p.rows.dtype == Dtype::bf16, p.op, "this rung takes bf16: got ",
                 describe("rows", p.rows));
  }
  /// The score of column j of row i, given the product: -inf where that is the row itself.
  __device__ float score(int i, int j, float product) const {
    return self >= 0 && j == self + i ? -INFINITY : product * inverse;
  }
};

}  // namespace lacuna::LACUNA_NS::rungs
