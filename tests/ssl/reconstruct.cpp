#include "../../ssl/reconstruct.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/elementwise.h"
#include "../../kernels/random.h"

namespace lacuna {
namespace {

Tensor noise(const Shape& shape, std::uint64_t seed, double low = -1, double high = 1) {
  std::vector<float> v(shape.numel());
  for (std::size_t i = 0; i < v.size(); i++)
    v[i] = static_cast<float>(low + (high - low) * uniform_of(draw_word({seed}, i, 0)));
  return Tensor::from(v, shape);
}

}  // namespace

TEST(reconstruct, ssim_of_equal_pictures_is_one) {
  const Tensor a = noise({2, 9, 14, 3}, 1);
  for (float v : ssim_map(a, a).to_vector<float>()) EXPECT_NEAR(v, 1, 1e-6);
}

// The definition, one value at a time.
TEST(reconstruct, ssim_is_its_definition) {
  const Tensor a = noise({1, 12, 17, 2}, 2), b = noise({1, 12, 17, 2}, 3);
  const auto x = a.to_vector<double>(), y = b.to_vector<double>(),
             map = ssim_map(a, b).to_vector<double>();
  for (int r = 0; r < 12; r += 3)
    for (int s = 0; s < 17; s += 4) {
      double w = 0, u = 0, v = 0, uu = 0, vv = 0, uv = 0;
      for (int i = std::max(0, r - 5); i <= std::min(11, r + 5); i++)
        for (int j = std::max(0, s - 5); j <= std::min(16, s + 5); j++) {
          const double weight =
              std::exp(-((i - r) * (i - r) + (j - s) * (j - s)) / (2 * 1.5 * 1.5));
          const double p = x[(i * 17 + j) * 2 + 1], q = y[(i * 17 + j) * 2 + 1];
          w += weight, u += weight * p, v += weight * q, uu += weight * p * p, vv += weight * q * q,
              uv += weight * p * q;
        }
      u /= w, v /= w, uu = uu / w - u * u, vv = vv / w - v * v, uv = uv / w - u * v;
      const double c1 = 0.0004, c2 = 0.0036;
      EXPECT_NEAR(map[(r * 17 + s) * 2 + 1],
                  (2 * u * v + c1) * (2 * uv + c2) / ((u * u + v * v + c1) * (uu + vv + c2)), 1e-5);
    }
}

TEST(reconstruct, fills) {
  const Tensor x = Tensor::of({1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 3, 3, 1});
  const Tensor hidden =
      Tensor::from(std::vector<std::uint8_t>{0, 1, 1, 0, 1, 1, 0, 1, 1}, {1, 3, 3, 1});
  EXPECT_EQ(mean_fill(x, hidden).to_vector<float>(),
            (std::vector<float>{1, 4, 4, 4, 4, 4, 7, 4, 4}));
  EXPECT_EQ(nearest_fill(x, hidden).to_vector<float>(),
            (std::vector<float>{1, 1, 1, 4, 4, 4, 7, 7, 7}));
  const Tensor all = Tensor::full({1, 3, 3, 1}, 1, Dtype::u8);
  EXPECT_EQ(mean_fill(x, all).to_vector<float>(), std::vector<float>(9, 0));
  EXPECT_EQ(nearest_fill(x, all).to_vector<float>(), std::vector<float>(9, 0));
}

// Against a search over all visible values.
TEST(reconstruct, nearest_fill_is_the_nearest) {
  const Tensor x = noise({2, 11, 8, 3}, 5);
  std::vector<std::uint8_t> hides(x.numel());
  for (std::size_t i = 0; i < hides.size(); i++)
    hides[i] = draw_word({6}, i, 0) < 0xE0000000u;  // 7 of 8
  const auto v = x.to_vector<float>(),
             got = nearest_fill(x, Tensor::from(hides, x.shape())).to_vector<float>();
  for (int n = 0; n < 2; n++)
    for (int c = 0; c < 3; c++)
      for (int r = 0; r < 11; r++)
        for (int s = 0; s < 8; s++) {
          int best = 1 << 20;
          float want = 0;
          for (int i = 0; i < 11; i++)
            for (int j = 0; j < 8; j++) {
              const int at = ((n * 11 + i) * 8 + j) * 3 + c,
                        distance = (i - r) * (i - r) + (j - s) * (j - s);
              if (!hides[at] && distance < best) best = distance, want = v[at];
            }
          EXPECT_EQ(got[((n * 11 + r) * 8 + s) * 3 + c], want);
        }
}

}  // namespace lacuna
