#pragma once
#include "optimizer.h"

namespace lacuna {

/// LARS (You, Gitman, Ginsburg 2017) as in SimCLR's code; formulas in kernels/optimizer_layerwise.h. Biases, the parameters of
/// norms and a supervised head belong in a group with no decay and no adaptation: {.weight_decay = 0, .adapt = false}.
class Lars : public Optimizer {
 public:
  struct Options {
    double lr = 0.3;  // times batch / 256
    double momentum = 0.9;
    double eta = 0.001;  // trust
    double weight_decay = 1e-6;
  };
  Lars(std::vector<NamedTensor> parameters, const Options& options,
       const std::vector<ParameterGroup>& groups = {});

 private:
  void apply(std::vector<OptimizerTensor>& table, const std::vector<std::int64_t>& steps,
             double grad_scale, Device device) override;
  Options options_;
};

}  // namespace lacuna
