// Nearest neighbours against a search by the formula, in double.
#include "../../ssl/knn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "../../kernels/cpu/parallel.h"
#include "../errors.h"
#include "../nn/support.h"
#include "vectors.h"

namespace lacuna {
namespace {

using Ids = std::vector<std::int64_t>;

double cosine(const std::vector<double>& a, std::int64_t i, const std::vector<double>& b,
              std::int64_t j, std::int64_t d) {
  double ab = 0, aa = 0, bb = 0;
  for (std::int64_t c = 0; c < d; c++) {
    ab += a[i * d + c] * b[j * d + c];
    aa += a[i * d + c] * a[i * d + c];
    bb += b[j * d + c] * b[j * d + c];
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace

// More than a block of queries and of the bank, and neither a whole number of them.
TEST(knn, finds_the_nearest) {
  const std::int64_t n = 300, m = 4500, d = 7, k = 5;
  const Tensor bank = clusters(m, d, 4, 0.5, 1), queries = clusters(n, d, 4, 0.5, 2);
  const Neighbours found = nearest(bank, queries, k);
  ASSERT_EQ(found.size(), n);
  const auto x = queries.to_vector<double>(), y = bank.to_vector<double>();
  const Ids labels = turns(m, 4);
  const Ids weighted = vote(found, labels, 4, k, 0.1), plain = vote(found, labels, 4, 3, 0);
  for (std::int64_t i = 0; i < n; i += 7) {
    std::vector<std::pair<double, std::int64_t>> all;
    for (std::int64_t j = 0; j < m; j++) all.emplace_back(-cosine(x, i, y, j, d), j);
    std::sort(all.begin(), all.end());
    std::vector<double> scores(4), votes(4);
    for (std::int64_t r = 0; r < k; r++) {
      EXPECT_EQ(found.ids[i * k + r], all[r].second) << i << " " << r;
      EXPECT_NEAR(found.cosines[i * k + r], -all[r].first, 1e-6);
      scores[labels[all[r].second]] += std::exp(-all[r].first / 0.1);
      if (r < 3) votes[labels[all[r].second]]++;
    }
    EXPECT_EQ(weighted[i], std::max_element(scores.begin(), scores.end()) - scores.begin());
    EXPECT_EQ(plain[i], std::max_element(votes.begin(), votes.end()) - votes.begin());
  }
}

TEST(knn, separable_classes_are_told_apart) {
  const Neighbours found = nearest(clusters(200, 10, 5, 4, 1), clusters(100, 10, 5, 4, 2), 20);
  EXPECT_EQ(vote(found, turns(200, 5), 5, 20, 0.07), turns(100, 5));
  EXPECT_EQ(vote(found, turns(200, 5), 5, 10, 0), turns(100, 5));
}

// One near neighbour of class 1 and two far ones of class 0: the weight decides, and a length does not count.
TEST(knn, weights_by_nearness) {
  const Tensor bank = Tensor::of({100, 1, 0.1f, 0.1f, 0.1f, 0.11f}, {3, 2}),
               query = Tensor::of({1, 0}, {1, 2});
  const Neighbours found = nearest(bank, query, 3);
  EXPECT_EQ(found.ids, (Ids{0, 1, 2}));
  const Ids labels = {1, 0, 0};
  EXPECT_EQ(vote(found, labels, 2, 3, 0.1), Ids{1});
  EXPECT_EQ(vote(found, labels, 2, 3, 0), Ids{0});
  EXPECT_EQ(vote(found, labels, 2, 3, 10), Ids{0});    // nearly plain
  EXPECT_EQ(vote(found, labels, 2, 3, 1e-5), Ids{1});  // the nearest alone; nothing overflows
  EXPECT_EQ(vote(found, {2, 1, 0}, 3, 3, 0), Ids{0});  // equal votes: the smaller class
}

TEST(knn, equals_go_by_their_place_in_the_bank) {
  const Neighbours found = nearest(Tensor::full({6000, 3}, 1), Tensor::full({2, 3}, 2), 4);
  EXPECT_EQ(found.ids, (Ids{0, 1, 2, 3, 0, 1, 2, 3}));
}

TEST(knn, same_bits_for_any_number_of_threads) {
  const Tensor bank = clusters(5000, 20, 4, 0.5, 1), queries = clusters(270, 20, 4, 0.5, 2);
  const int threads = cpu::threads();
  cpu::set_threads(1);
  const Neighbours one = nearest(bank, queries, 10);
  cpu::set_threads(3);
  const Neighbours three = nearest(bank, queries, 10);
  cpu::set_threads(threads);
  EXPECT_EQ(one.ids, three.ids);
  EXPECT_EQ(one.cosines, three.cosines);
}

TEST(knn, refuses_what_makes_no_sense) {
  const Tensor bank = Tensor::zeros({3, 2});
  EXPECT_THROWS_WITH(nearest(bank, Tensor::zeros({1, 3}), 1), "of one width");
  EXPECT_THROWS_WITH(nearest(bank, bank, 4), "k must be from 1 to the 3 samples");
  EXPECT_THROWS_WITH(nearest(bank, bank, 0), "got 0");
  const Neighbours found = nearest(bank, bank, 2);
  EXPECT_THROWS_WITH(vote(found, {0, 0, 0}, 1, 3, 0.1), "from 1 to the 2 neighbours");
  EXPECT_THROWS_WITH(vote(found, {0, 0, 0}, 1, 2, -1), "temperature must be above 0");
}

}  // namespace lacuna
