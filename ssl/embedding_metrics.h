#pragma once
// What embeddings look like, for tasks that could collapse: their loss may fall, or stay, while all samples become one point
// (SimCLR without negatives, a wrong rate) or one line. Scalars (0-d, f32) on the embeddings' device, not on the tape.
#include "task.h"

namespace lacuna {

/// Mean squared distance of the two views of a sample; unit (2N, D), normalised, one view of all and then the other. 0 to 4,
/// 0 where views agree. Wang, Isola 2020.
Tensor alignment(const Tensor& unit);

/// log of the mean over pairs of rows of exp(-2 |u_i - u_j|^2); unit (n, D), normalised, n at least 2. 0 where all rows are one
/// point; about -4 where they are spread over the sphere. Wang, Isola 2020.
Tensor uniformity(const Tensor& unit);

/// sqrt(D) times the mean over columns of their standard deviation; unit (n, D), normalised. 0 where all rows are one point, 1
/// where they are spread over the sphere. Chen, He 2021 (SimSiam).
Tensor feature_std(const Tensor& unit);

/// How many dimensions features (n, D) use: the participation ratio (sum of l)^2 / sum of l^2 of the eigenvalues l of their
/// covariance, the exponential of Renyi's entropy of order 2 of the spectrum, and not that of Shannon's, which is also called
/// so. 1 on a line, at most min(n - 1, D); 0 where all rows are one point. It needs no eigenvalues: both sums are those of the
/// Gram matrix.
Tensor effective_rank(const Tensor& features);

/// All of them: features (2N, F), the encoder's, and embeddings (2N, D), of which two views are one sample's as above. Parts of
/// Losses by the names of the functions.
std::map<std::string, Tensor> embedding_metrics(const Tensor& features, const Tensor& embeddings);

/// What they mean, in words: TaskInfo::figures.
std::map<std::string, std::string> embedding_figures();

/// Says once that embeddings have collapsed: "feature_std" below 0.05 or "effective_rank" below 1.5 for five lines of the log.
class CollapseWatch {
 public:
  std::string see(const Metrics& logged);

 private:
  int lines_ = 0;
};

}  // namespace lacuna
