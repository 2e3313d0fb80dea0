#pragma once
// Elementwise layers, y of the shape of x; formulas in kernels/elementwise.def and core/ops/softmax.h.
#include "../../core/ops/elementwise.h"
#include "../../core/ops/shape.h"
#include "../../core/ops/softmax.h"
#include "../sequential.h"

namespace lacuna {

/// max(x, 0)
class ReLU : public FusableActivation {
 public:
  Tensor forward(Context&, const Tensor& x) override { return relu(x); }
  Epilogue epilogue() const override { return Epilogue::relu; }
};

/// 1 / (1 + exp(-x))
class Sigmoid : public FusableActivation {
 public:
  Tensor forward(Context&, const Tensor& x) override { return sigmoid(x); }
  Epilogue epilogue() const override { return Epilogue::sigmoid; }
};

class Tanh : public FusableActivation {
 public:
  Tensor forward(Context&, const Tensor& x) override { return tanh(x); }
  Epilogue epilogue() const override { return Epilogue::tanh; }
};

/// x where x > 0, else slope * x
class LeakyReLU : public Module {
 public:
  explicit LeakyReLU(double slope = 0.01) : slope_(slope) {}
  Tensor forward(Context&, const Tensor& x) override { return leaky_relu(x, slope_); }

 private:
  double slope_;
};

/// x * P(N(0,1) < x), or its approximation by tanh (BERT, GPT-2)
class GELU : public Module {
 public:
  struct Options {
    bool tanh = false;
  };
  GELU() = default;
  explicit GELU(const Options& options) : options_(options) {}
  Tensor forward(Context&, const Tensor& x) override {
    return options_.tanh ? gelu_tanh(x) : gelu(x);
  }

 private:
  Options options_;
};

/// exp(x_j) / sum_k exp(x_k) along `dim`
class Softmax : public Module {
 public:
  explicit Softmax(int dim = -1) : dim_(dim) {}
  Tensor forward(Context&, const Tensor& x) override { return softmax(x, dim_); }

 private:
  int dim_;
};

/// x_j - log sum_k exp(x_k) along `dim`
class LogSoftmax : public Module {
 public:
  explicit LogSoftmax(int dim = -1) : dim_(dim) {}
  Tensor forward(Context&, const Tensor& x) override { return log_softmax(x, dim_); }

 private:
  int dim_;
};

/// (N, ...) to (N, product of the rest); an image as H, W, C.
class Flatten : public Module {
 public:
  Tensor forward(Context&, const Tensor& x) override { return flatten(x, 1); }
};

}  // namespace lacuna
