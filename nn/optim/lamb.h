#pragma once
#include "optimizer.h"

namespace lacuna {

/// LAMB (You et al. 2020), for large batches; formulas in kernels/optimizer_layerwise.h. Biases and the parameters of norms
/// belong in a group with no decay and no adaptation: {.weight_decay = 0, .adapt = false}.
class Lamb : public Optimizer {
 public:
  struct Options {
    double lr = 1e-3;
    double beta1 = 0.9, beta2 = 0.999, eps = 1e-6;
    double weight_decay = 0.01;
    bool bias_correction = true;
  };
  Lamb(std::vector<NamedTensor> parameters, const Options& options,
       const std::vector<ParameterGroup>& groups = {});

 private:
  void apply(std::vector<OptimizerTensor>& table, const std::vector<std::int64_t>& steps,
             double grad_scale, Device device) override;
  Options options_;
};

}  // namespace lacuna
