#include <Eigen/Core>

#include "bench.h"

namespace lacuna::bench {
namespace {
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
}

std::function<void()> eigen_matmul(std::int64_t m, std::int64_t n, std::int64_t k, bool a_across,
                                   bool b_across) {
  Rows a = a_across ? Rows::Random(k, m) : Rows::Random(m, k);
  Rows b = b_across ? Rows::Random(n, k) : Rows::Random(k, n);
  Rows c = Rows::Zero(m, n);
  return [a, b, c, a_across, b_across]() mutable {
    if (a_across)
      c.noalias() = a.transpose() * b;
    else if (b_across)
      c.noalias() = a * b.transpose();
    else
      c.noalias() = a * b;
    benchmark::DoNotOptimize(c.data());
  };
}

}  // namespace lacuna::bench
