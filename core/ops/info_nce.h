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

/// Which row of (2N) is the other view of each, for info_nce: N .. 2N - 1, 0 .. N - 1; (2N) i64.
Tensor other_views(std::int64_t views, Device device = {});

/// Supervised contrastive loss, "L_out" of Khosla et al. 2020: z (2N, D) as above, labels (2N) i64 in [0, classes); 0-d.
///   mean over i of -1 / |P(i)| sum over p in P(i) of log(exp(s_ip) / sum over a != i of exp(s_ia)),   s_ij = cos(z_i, z_j) / temperature
/// where P(i) are the other rows of i's label; a label must have two rows, as two views give it. The fused kernel gives the
/// normalisers, and the mean over P(i) is one scalar product with the sum of the label's rows: no matrix of scores.
Tensor supcon(const Tensor& z, const Tensor& labels, std::int64_t classes,
              double temperature = 0.1);

}  // namespace lacuna
