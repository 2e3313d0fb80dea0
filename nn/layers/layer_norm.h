#pragma once
// Layer normalisation (Ba, Kiros, Hinton 2016): each row by its own mean and variance, (..., shape) to the same shape;
// formula in core/ops/layer_norm.h.
#include "../../core/ops/layer_norm.h"
#include "../module.h"

namespace lacuna {

class LayerNorm : public Module {
 public:
  struct Options {
    Shape shape;  // of a row: the last dimensions of x
    double eps = 1e-5;
    bool affine = true;  // weight and bias
    bool bias = true;    // where affine
  };

  Tensor weight, bias;  // (shape), or undefined

  explicit LayerNorm(const Options& options) : options_(options) {
    LACUNA_CHECK(!options.shape.empty() && options.shape.numel() > 0, "LayerNorm",
                 "the shape of a row must not be empty: got ", options.shape);
  }

  Tensor forward(Context&, const Tensor& x) override {
    const int dims = options_.shape.size();
    bool fits = x.ndim() >= dims;
    for (int i = 1; fits && i <= dims; i++) fits = x.dim(-i) == options_.shape[dims - i];
    LACUNA_CHECK(fits, "LayerNorm", "x must end in ", options_.shape, ": got ", describe("x", x));
    return layer_norm(x, weight, bias, dims, options_.eps);
  }

  void members(Members& m) override {
    if (!options_.affine) return;
    m.parameter("weight", weight, options_.shape, init::constant(1));
    if (options_.bias) m.parameter("bias", bias, options_.shape, init::constant(0));
  }

 private:
  Options options_;
};

}  // namespace lacuna
