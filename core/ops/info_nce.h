#pragma once
// Contrastive losses; formulas in kernels/info_nce.h.
#include "../tensor.h"

namespace lacuna {

struct InfoNceOptions {
  double temperature = 0.1;
  std::int64_t self = -1;  // where >= 0, column self + i is row i itself and is left out for it
};

/// For each of rows (m, D) the cross-entropy of its positive among columns (M, D) by scaled dot products:
/// log sum_j exp(a_i . b_j / temperature) - a_i . b_positive(i) / temperature; (m). positive (m) i64, in [0, M). Rows and
/// columns are taken as they are: normalise them first where cosines are wanted.
Tensor info_nce(const Tensor& rows, const Tensor& columns, const Tensor& positive,
                const InfoNceOptions& options = {});

/// NT-Xent (Chen et al. 2020, SimCLR): z (2N, D) holds one view of N samples, then the other. Cosine similarities, every
/// other view a negative, mean over the 2N rows; 0-d. log(2N - 1) where all embeddings are the same.
Tensor nt_xent(const Tensor& z, double temperature = 0.5);

}  // namespace lacuna
