#pragma once
// Convolution of channels-last images: (N, H, W, in) to (N, H', W', out); formula in core/ops/conv2d.h.
#include <optional>

#include "../../core/ops/conv2d.h"
#include "../sequential.h"

namespace lacuna {

class Conv2d : public FusableLayer {
 public:
  struct Options {
    std::int64_t in = 0, out = 0;  // channels
    Pair kernel;
    Pair stride = 1, padding = 0, dilation = 1;
    std::int64_t groups = 1;
    bool bias = true;
    std::optional<Initializer> start = {};  // of the weight, the bias then is 0; else both are
                                            // U(-1/sqrt(fan_in), 1/sqrt(fan_in)), as PyTorch has it
  };

  Tensor weight;  // (out, kh, kw, in / groups)
  Tensor bias;    // (out), or undefined

  explicit Conv2d(const Options& options) : options_(options) {
    LACUNA_CHECK(options.in > 0 && options.out > 0 && options.groups > 0 &&
                     options.in % options.groups == 0 && options.out % options.groups == 0,
                 "Conv2d", "in and out must be positive multiples of groups: got in ", options.in,
                 ", out ", options.out, ", groups ", options.groups);
  }

  using FusableLayer::forward;
  Tensor forward(Context&, const Tensor& x, Epilogue activation) override {
    return convolve(x, activation, nullptr);
  }
  Tensor forward(Context&, const Tensor& x, ChannelMoments& moments) override {
    return convolve(x, Epilogue::none, &moments);
  }

  const Options& options() const { return options_; }

  void members(Members& m) override {
    const auto& o = options_;
    const auto usual = init::fan_in_uniform(o.in / o.groups * o.kernel.h * o.kernel.w);
    m.parameter("weight", weight, {o.out, o.kernel.h, o.kernel.w, o.in / o.groups},
                o.start.value_or(usual));
    if (o.bias) m.parameter("bias", bias, {o.out}, o.start ? init::constant(0) : usual);
  }

 private:
  Options options_;

  Tensor convolve(const Tensor& x, Epilogue activation, ChannelMoments* moments) const {
    return conv2d(x, weight, bias,
                  {.stride = options_.stride,
                   .padding = options_.padding,
                   .dilation = options_.dilation,
                   .groups = options_.groups,
                   .activation = activation},
                  {}, moments);
  }
};

}  // namespace lacuna
