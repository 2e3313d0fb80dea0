#pragma once
// Convolutions by the textbook, for conv2d's and conv_transpose2d's cases: the image is padded in memory and the window
// slides over it; a transposed convolution puts zeros between the pixels and slides the flipped kernel.
#include <cmath>
#include <vector>

#include "../../core/ops/window.h"
#include "case.h"

namespace lacuna::test {

/// Values with four indices, row-major.
struct Block {
  std::int64_t a, b, c, d;
  std::vector<double> v;
  Block(std::int64_t a_, std::int64_t b_, std::int64_t c_, std::int64_t d_)
      : a(a_), b(b_), c(c_), d(d_), v(a_ * b_ * c_ * d_, 0.0) {}
  explicit Block(const Tensor& t)
      : a(t.dim(0)), b(t.dim(1)), c(t.dim(2)), d(t.dim(3)), v(t.to_vector<double>()) {}
  double& at(std::int64_t i, std::int64_t j, std::int64_t k, std::int64_t l) {
    return v[((i * b + j) * c + k) * d + l];
  }
};

inline double activated(Epilogue activation, double v) {
  switch (activation) {
    case Epilogue::none:
      return v;
    case Epilogue::relu:
      return std::fmax(v, 0);
    case Epilogue::sigmoid:
      return 1 / (1 + std::exp(-v));
    case Epilogue::tanh:
      return std::tanh(v);
  }
  return NAN;
}

/// x (n, h, w, ci) moved `pad` pixels down and right into an image of h2 by w2, with `gap` zeros between two pixels.
/// Pixels that fall outside are dropped.
inline Block spread(Block x, Pair gap, Pair pad, std::int64_t h2, std::int64_t w2) {
  Block out(x.a, h2, w2, x.d);
  for (std::int64_t n = 0; n < x.a; n++)
    for (std::int64_t i = 0; i < x.b; i++)
      for (std::int64_t j = 0; j < x.c; j++) {
        const std::int64_t row = i * (gap.h + 1) + pad.h, column = j * (gap.w + 1) + pad.w;
        if (row < 0 || row >= h2 || column < 0 || column >= w2) continue;
        for (std::int64_t k = 0; k < x.d; k++) out.at(n, row, column, k) = x.at(n, i, j, k);
      }
  return out;
}

/// Every window that fits into x, and no padding. weight (co, kh, kw, ci / groups).
inline std::vector<double> slide(Block x, Block weight, const std::vector<double>& bias,
                                 Pair stride, Pair dilation, std::int64_t groups,
                                 Epilogue activation) {
  const std::int64_t oh = (x.b - dilation.h * (weight.b - 1) - 1) / stride.h + 1;
  const std::int64_t ow = (x.c - dilation.w * (weight.c - 1) - 1) / stride.w + 1;
  const std::int64_t per_group = weight.a / groups;
  Block y(x.a, oh, ow, weight.a);
  for (std::int64_t n = 0; n < y.a; n++)
    for (std::int64_t i = 0; i < oh; i++)
      for (std::int64_t j = 0; j < ow; j++)
        for (std::int64_t o = 0; o < y.d; o++) {
          double sum = bias.empty() ? 0 : bias[o];
          for (std::int64_t p = 0; p < weight.b; p++)
            for (std::int64_t q = 0; q < weight.c; q++)
              for (std::int64_t k = 0; k < weight.d; k++)
                sum += x.at(n, i * stride.h + p * dilation.h, j * stride.w + q * dilation.w,
                            o / per_group * weight.d + k) *
                       weight.at(o, p, q, k);
          y.at(n, i, j, o) = activated(activation, sum);
        }
  return y.v;
}

}  // namespace lacuna::test
