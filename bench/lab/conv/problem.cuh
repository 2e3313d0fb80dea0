#pragma once
// What every rung of this ladder computes: a convolution of channels-last images (n, h, w, ci) with weights (co, kh, kw, ci), in
// bf16 with f32 sums. Seen as a product it is c (pixels of y, co) = columns (pixels of y, kh kw ci) times the transpose of the
// weights, where a row of `columns` is what an output pixel sees; taps outside of the image are zeros.
#include "../../../kernels/conv2d.h"
#include "../tile.cuh"

namespace lacuna::LACUNA_NS::rungs {

struct ConvProblem {
  bf16* y;
  const bf16* x;
  int h, w, ci, oh, ow, kw, stride, padding;
  Matrix weights;  // (co, kh kw ci)
  int pixels;      // of y, of all images

  explicit ConvProblem(const Conv2dForward& p)
      : y(p.y.as<bf16>()),
        x(p.x.as<bf16>()),
        h(static_cast<int>(p.x.dim(1))),
        w(static_cast<int>(p.x.dim(2))),
        ci(static_cast<int>(p.x.dim(3))),
        oh(static_cast<int>(p.y.dim(1))),
        ow(static_cast<int>(p.y.dim(2))),
        kw(static_cast<int>(p.weight.dim(2))),
        stride(static_cast<int>(p.window.stride[0])),
        padding(static_cast<int>(p.window.padding[0])),
        weights{p.weight.as<bf16>(), static_cast<int>(p.weight.dim(0)),
                static_cast<int>(p.weight.dim(1)) * kw * ci},
        pixels(static_cast<int>(p.y.dim(0)) * oh * ow) {
    LACUNA_CHECK(p.x.dtype == Dtype::bf16 && p.window.stride[1] == stride &&
                     p.window.padding[1] == padding && p.window.dilation[0] == 1 &&
                     p.window.dilation[1] == 1 && p.groups == 1 && !p.bias &&
                     p.epilogue == Epilogue::none,
                 p.op, "this rung takes bf16, one stride and one padding, and nothing else: got ",
                 describe("x", p.x), ", ", describe("weight", p.weight));
  }

  /// Where element (pixel, k) of `columns` is in x, or null: k = (row of the kernel, its column, channel).
  __device__ const bf16* operator()(int pixel, int k) const {
    if (pixel >= pixels || k >= weights.depth) return nullptr;
    const int channel = k % ci, tap = k / ci, image = pixel / ow / oh;
    const int i = pixel / ow % oh * stride + tap / kw - padding;
    const int j = pixel % ow * stride + tap % kw - padding;
    if (i < 0 || i >= h || j < 0 || j >= w) return nullptr;
    return x + ((std::int64_t{image} * h + i) * w + j) * ci + channel;
  }
};

/// Calls f(N) with the number of channels that a load may take at a time.
template <class F>
void with_vectors(const ConvProblem& p, F&& f) {
  with_vector_width<bf16>(p.ci, {p.x, p.weights.p}, f);
}

}  // namespace lacuna::LACUNA_NS::rungs
