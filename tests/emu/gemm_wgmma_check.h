#pragma once
// A product of bf16 rows by rows on a device, and what it must be.
#include <cmath>
#include <cstdlib>

#include "../../bench/lab/gemm/wgmma.h"
#include "hopper_check.h"
#include "twin.h"

namespace lacuna::test {

struct Sizes {
  int m, n, k;
};

inline std::vector<bf16> normal(std::size_t n, std::uint64_t seed) {
  std::vector<bf16> v(n);
  for (std::size_t i = 0; i < n; i++) {
    double sum = -6;
    for (std::uint64_t j = 0; j < 12; j++)
      sum += static_cast<double>(mix64(seed * 977 + 12 * i + j) >> 11) * 0x1p-53;
    v[i] = bf16(static_cast<float>(sum));
  }
  return v;
}

class GemmCheck {
 public:
  GemmCheck(const Backend& backend, Device device, Sizes s)
      : device_(device),
        s_(s),
        a_values_(normal(static_cast<std::size_t>(s.m * s.k), 1)),
        w_values_(normal(static_cast<std::size_t>(s.n * s.k), 2)),
        a_(backend, a_values_),
        w_(backend, w_values_),
        c_(backend, std::vector<bf16>(static_cast<std::size_t>(s.m * s.n))) {}

  Matmul arguments() const {
    Matmul p;
    p.a = array_of(a_.data(), Dtype::bf16, device_, {{s_.m, s_.k}});
    p.b = array_of(w_.data(), Dtype::bf16, device_, {{s_.k, s_.n}, {1, s_.k}});
    p.c = array_of(c_.data(), Dtype::bf16, device_, {{s_.m, s_.n}});
    return p;
  }
  /// f32 sums of k products of about 1, then one rounding.
  void expect_right() {
    const std::vector<bf16> c = c_.values();
    ASSERT_TRUE(c_.bands_intact());
    for (int i = 0; i < s_.m; i++)
      for (int j = 0; j < s_.n; j++) {
        double sum = 0;
        for (int k = 0; k < s_.k; k++)
          sum += static_cast<double>(
                     static_cast<float>(a_values_[static_cast<std::size_t>(i * s_.k + k)])) *
                 static_cast<double>(
                     static_cast<float>(w_values_[static_cast<std::size_t>(j * s_.k + k)]));
        const double got = static_cast<float>(c[static_cast<std::size_t>(i * s_.n + j)]);
        ASSERT_TRUE(std::fabs(got - sum) <= std::fabs(sum) * 0x1p-8 + 1e-5 * std::sqrt(s_.k))
            << got << " for " << sum << " at " << i << ", " << j << " of " << s_.m << " x " << s_.n
            << " x " << s_.k;
      }
  }

 private:
  Device device_;
  Sizes s_;
  std::vector<bf16> a_values_, w_values_;
  DeviceBuffer<bf16> a_, w_, c_;
};

/// One tile; several, with fewer and more steps than stages; edges everywhere; less than a box; one row. `run` takes the
/// arguments and a number of columns a tile.
template <class Run>
void check_gemm(const Backend& backend, Device device, Run run) {
  for (const Sizes& s : {Sizes{128, 256, 64},
                         {256, 256, 320},
                         {130, 264, 72},
                         {257, 136, 584},
                         {64, 8, 8},
                         {1, 520, 136}})
    for (int tile_columns : {128, 256}) {
      if (std::getenv("LACUNA_SMALL") && s.m * s.n * s.k > 5'000'000) continue;  // sanitizers
      GemmCheck g(backend, device, s);
      run(g.arguments(), tile_columns);
      ASSERT_NO_FATAL_FAILURE(g.expect_right());
    }
}

}  // namespace lacuna::test
