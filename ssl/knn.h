#pragma once
// k nearest neighbours: what a representation puts side by side, with nothing learned on top. Vectors are L2-normalised, nearness
// is the cosine, and a vector's class is the one with the largest vote of its k nearest neighbours in the bank:
//
//   weighted   score_c = sum over the k nearest of exp(cosine / T) [label = c]      (Wu, Xiong, Yu, Lin 2018: k = 200, T = 0.07)
//   plain      score_c = sum over the k nearest of [label = c]
//
// Of equally near ones the first in the bank counts, of equal scores the smaller class.
#include <cstdint>
#include <vector>

#include "../core/tensor.h"

namespace lacuna {

/// Of each of n queries the k nearest in the bank, nearest first.
struct Neighbours {
  std::int64_t k = 0;
  std::vector<std::int64_t> ids;  // (n, k)
  std::vector<float> cosines;     // (n, k)

  std::int64_t size() const { return k ? static_cast<std::int64_t>(ids.size()) / k : 0; }
};

/// bank (m, d) and queries (n, d) f32 on one device; k in [1, m]. The products are made in blocks, so that memory does not grow
/// with n m; the same bits for any number of threads.
Neighbours nearest(const Tensor& bank, const Tensor& queries, std::int64_t k);

/// The classes that the first `k` of the neighbours vote for, weighted by exp(cosine / temperature), or plain where that is 0.
/// labels: those of the bank, in [0, classes).
std::vector<std::int64_t> vote(const Neighbours& neighbours,
                               const std::vector<std::int64_t>& labels, std::int64_t classes,
                               std::int64_t k, double temperature);

}  // namespace lacuna
