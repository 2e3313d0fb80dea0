#pragma once
#include "optimizer.h"

namespace lacuna {

/// Adam (Kingma, Ba 2015) as torch.optim.Adam; formulas in kernels/optimizer.h. Weight decay is added to the gradient.
class Adam : public Optimizer {
 public:
  struct Options {
    double lr = 1e-3;
    double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    double weight_decay = 0;
    bool bias_correction = true;  // off: the optimizer of the original BERT
  };
  Adam(std::vector<NamedTensor> parameters, const Options& options,
       const std::vector<ParameterGroup>& groups = {})
      : Adam(std::move(parameters), options, groups, false) {}

 protected:
  Adam(std::vector<NamedTensor> parameters, const Options& options,
       const std::vector<ParameterGroup>& groups, bool decoupled);

 private:
  void correct(std::vector<OptimizerTensor>& table,
               const std::vector<std::int64_t>& steps) const override;
  void apply(const std::vector<OptimizerTensor>& table, const Inputs& inputs) const override;
  Options options_;
};

/// Adam with decoupled weight decay (Loshchilov, Hutter 2019), as torch.optim.AdamW. Say the decay: 0.01 is usual.
class AdamW : public Adam {
 public:
  AdamW(std::vector<NamedTensor> parameters, const Adam::Options& options,
        const std::vector<ParameterGroup>& groups = {})
      : Adam(std::move(parameters), options, groups, true) {}
};

}  // namespace lacuna
