#pragma once
// Batch normalisation over every dimension but the last (Ioffe, Szegedy 2015): (..., C) to the same shape; formula and what
// happens to the running statistics in core/ops/batch_norm.h. It is PyTorch's BatchNorm1d, 2d and 3d in one.
#include "../../core/ops/batch_norm.h"
#include "../module.h"

namespace lacuna {

class BatchNorm : public Module {
 public:
  struct Options {
    std::int64_t channels = 0;
    double momentum = 0.1;  // of the new batch in the running statistics
    double eps = 1e-5;
    bool affine = true;              // weight and bias
    bool bias = true;                // off: no bias, whatever affine says
    double start = 1;                // of the weight
    bool running_statistics = true;  // off: the batch's own in evaluation, too
  };

  Tensor weight, bias;               // (C), or undefined
  Tensor running_mean, running_var;  // (C), buffers, or undefined

  explicit BatchNorm(const Options& options) : options_(options) {
    LACUNA_CHECK(options.channels > 0, "BatchNorm", "channels must be above 0: got ",
                 options.channels);
  }

  Tensor forward(Context& context, const Tensor& x) override { return forward(context, x, {}); }
  /// The same where somebody knows the moments of x; then activation(norm + residual).
  Tensor forward(Context& context, const Tensor& x, const ChannelMoments& moments,
                 Epilogue activation = Epilogue::none, const Tensor& residual = {}) {
    return batch_norm(
        x, weight, bias, running_mean, running_var, context,
        {.momentum = options_.momentum, .eps = options_.eps, .activation = activation}, moments,
        residual);
  }
  /// Whether forward() takes the moments of x, and not the running ones.
  bool of_batch(const Context& context) const {
    return context.training || !running_mean.defined();
  }

  const Options& options() const { return options_; }

  void members(Members& m) override {
    const Shape shape{options_.channels};
    if (options_.affine) {
      m.parameter("weight", weight, shape, init::constant(options_.start));
      if (options_.bias) m.parameter("bias", bias, shape, init::constant(0));
    }
    if (options_.running_statistics) {
      m.buffer("running_mean", running_mean, shape, 0);
      m.buffer("running_var", running_var, shape, 1);
    }
  }

 private:
  Options options_;
};

}  // namespace lacuna
