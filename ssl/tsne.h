#pragma once
// t-SNE: a map on which near vectors stay near (van der Maaten, Hinton, "Visualizing data using t-SNE", JMLR 2008), exact:
//
//   p_ij = (p_j|i + p_i|j) / 2n, p_j|i ~ exp(-|x_i - x_j|^2 / 2 s_i^2), each s_i such that i's neighbours have the perplexity
//   q_ij ~ 1 / (1 + |y_i - y_j|^2);   KL(p | q) is made smaller by gradient descent with momentum and gains
//
// It starts from the first two principal components, scaled to a deviation of 1e-4 (Kobak, Berens 2019), so that the map keeps
// the data's large structure and is the same every time; p is multiplied by 12 for the first quarter of the steps, with a momentum
// of 0.5, later 0.8; the rate is n / 48, at least 50 (Belkina et al. 2019). Time is O(n^2) a step, memory n^2 numbers.
#include <vector>

#include "../core/tensor.h"

namespace lacuna {

struct TsneOptions {
  double perplexity = 30;
  int steps = 750;
};

struct Tsne {
  Tensor y;       // (n, 2) f32
  double kl = 0;  // at the end, in nats
};

/// x (n, d) f32 on cpu, n from 4 to 5,000; the perplexity must be above 1 and at most (n - 1) / 3. The same bits for any number
/// of threads.
Tsne tsne(const Tensor& x, const TsneOptions& options = {});

/// How well a map y (n, 2) f32 keeps classes together: the mean share of a point's k nearest others on it (by distance) that have
/// its label. k in [1, n - 1].
double same_label_share(const Tensor& y, const std::vector<std::int64_t>& labels, std::int64_t k);

}  // namespace lacuna
