// convolution, channels-last: gradient of the weights and of the bias
//   math         dweight (co, kh kw ci) = dy^T (co, n oh ow) patches of x (n oh ow, kh kw ci); dbias = sum of dy over pixels
//   shapes       x (n, h, w, ci), weight (co, kh, kw, ci / groups), y (n, oh, ow, co); f32 (as f32 or tf32) or bf16,
//                beside which the gradients are f32
//   traffic      dy and x are read once for each tile of the other, from L2 where they fit it
//   launch       one block a tile and a part of the pixels, then a sum over parts. See gemm.cuh
//   numerics     f32 sums
//   determinism  yes: parts depend on the shapes only and are added in order
//   checked by   tests/ops/conv2d.cpp, tests/ops/conv_transpose2d.cpp
//   measured     not measured
#include "../conv2d.h"

#include "../reduce.h"
#include "conv2d.cuh"

namespace lacuna::LACUNA_NS {

void sum(const Sum& a, Stream stream);  // reduce.cu

void conv_grad_weight(const Conv& c) {
  if (is_depthwise(c)) return depthwise_grad_weight(c);
  const std::int64_t kh = c.weight.dim(1), kw = c.weight.dim(2), ci = c.weight.dim(3),
                     channels = c.y.dim(3), co = channels / c.groups,
                     windows = c.y.dim(0) * c.y.dim(1) * c.y.dim(2);
  const GemmSizes size = gemm_sizes("conv2d grad_weight", co, kh * kw * ci, windows);
  const Batches batches = groups_of(c.groups, co, ci, co * size.n, 0);
  with_math(c.x.dtype, [&](auto math) {
    constexpr Math kMath = decltype(math)::value;
    using T = typename TileShape<kMath, false>::T;
    constexpr int kWide = 16 / sizeof(T);
    Out<float> out{c.weight.as<float>()};
    out.x_stride = size.n;
    const MatrixSide<T, false, kWide> gradients{c.y.as<T>(), channels, to_int(co),
                                                aligned<T>(c.y, channels) && co % kWide == 0};
    with_patch_vector<T>(c.x, ci, [&](auto vector) {
      gemm<kMath>(gradients, input_patches<T, false, decltype(vector)::value>(c), out, batches,
                  size, c.x.device, c.stream);
    });
  });
}

void channel_sums(const Array& sums, const Array& y, Stream stream) {
  Sum s{sums, y};
  s.y.ndim = y.ndim;
  for (int d = 0; d < y.ndim; d++) {
    s.y.shape[d] = y.shape[d];
    s.y.strides[d] = d == y.ndim - 1 ? 1 : 0;
  }
  validate(s);
  sum(s, stream);
}

void conv2d_grad_weight(const Conv2dGradWeight& a, Stream stream) {
  conv_grad_weight({a.x, a.dweight, a.dy, a.window, a.groups, stream});
  if (a.dbias) channel_sums(a.dbias, a.dy, stream);
}

}  // namespace lacuna::LACUNA_NS
