#pragma once
// Transposed convolution of channels-last images: (N, H, W, in) to (N, H', W', out), H' = (H - 1) stride - 2 padding +
// dilation (kernel - 1) + 1 + output_padding; formula in core/ops/conv_transpose2d.h.
#include "../../core/ops/conv_transpose2d.h"
#include "../sequential.h"

namespace lacuna {

class ConvTranspose2d : public FusableLayer {
 public:
  struct Options {
    std::int64_t in = 0, out = 0;  // channels
    Pair kernel;
    Pair stride = 1, padding = 0, output_padding = 0, dilation = 1;
    std::int64_t groups = 1;
    bool bias = true;
  };

  Tensor weight;  // (in, kh, kw, out / groups)
  Tensor bias;    // (out), or undefined

  explicit ConvTranspose2d(const Options& options) : options_(options) {
    LACUNA_CHECK(options.in > 0 && options.out > 0 && options.groups > 0 &&
                     options.in % options.groups == 0 && options.out % options.groups == 0,
                 "ConvTranspose2d", "in and out must be positive multiples of groups: got in ",
                 options.in, ", out ", options.out, ", groups ", options.groups);
  }

  using FusableLayer::forward;
  Tensor forward(Context&, const Tensor& x, Epilogue activation) override {
    return conv_transpose2d(x, weight, bias,
                            {.stride = options_.stride,
                             .padding = options_.padding,
                             .output_padding = options_.output_padding,
                             .dilation = options_.dilation,
                             .groups = options_.groups,
                             .activation = activation});
  }

  void members(Members& m) override {
    const auto& o = options_;
    // As PyTorch has it: the fan is that of the weight's second dimension, the output channels of a group.
    const auto start = init::fan_in_uniform(o.out / o.groups * o.kernel.h * o.kernel.w);
    m.parameter("weight", weight, {o.in, o.kernel.h, o.kernel.w, o.out / o.groups}, start);
    if (o.bias) m.parameter("bias", bias, {o.out}, start);
  }

 private:
  Options options_;
};

}  // namespace lacuna
