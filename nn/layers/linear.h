#pragma once
// y (..., out) = x (..., in) weight^T + bias
#include <optional>

#include "../../core/ops/matmul.h"
#include "../sequential.h"

namespace lacuna {

class Linear : public FusableLayer {
 public:
  struct Options {
    std::int64_t in = 0, out = 0;
    bool bias = true;
    std::optional<Initializer> start = {};  // of the weight, the bias then is 0; else both are
                                            // U(-1/sqrt(in), 1/sqrt(in)), as PyTorch has it
  };

  Tensor weight;  // (out, in)
  Tensor bias;    // (out), or undefined

  explicit Linear(const Options& options) : options_(options) {
    LACUNA_CHECK(options.in > 0 && options.out > 0, "Linear", "in and out must be above 0: got ",
                 options.in, " and ", options.out);
  }

  using FusableLayer::forward;
  Tensor forward(Context&, const Tensor& x, Epilogue activation) override {
    return linear(x, weight, bias, {.activation = activation});
  }

  void members(Members& m) override {
    const auto usual = init::fan_in_uniform(options_.in);
    m.parameter("weight", weight, {options_.out, options_.in}, options_.start.value_or(usual));
    if (options_.bias)
      m.parameter("bias", bias, {options_.out}, options_.start ? init::constant(0) : usual);
  }

 private:
  Options options_;
};

}  // namespace lacuna
