#pragma once
#include "optimizer.h"

namespace lacuna {

/// Stochastic gradient descent, as torch.optim.SGD (dampening 0); formulas in kernels/optimizer.h. Nesterov's momentum as
/// in Sutskever, Martens, Dahl, Hinton 2013.
class Sgd : public Optimizer {
 public:
  struct Options {
    double lr = 1e-2;
    double momentum = 0;
    bool nesterov = false;
    double weight_decay = 0;
  };
  Sgd(std::vector<NamedTensor> parameters, const Options& options,
      const std::vector<ParameterGroup>& groups = {});

 private:
  void apply(const std::vector<OptimizerTensor>& table, const Inputs& inputs) const override;
  Options options_;
};

}  // namespace lacuna
