#include "sgd.h"

namespace lacuna {

Sgd::Sgd(std::vector<NamedTensor> parameters, const Options& options,
         const std::vector<ParameterGroup>& groups)
    : Optimizer(std::move(parameters), groups,
                {.lr = options.lr,
                 .weight_decay = options.weight_decay,
                 .first = options.momentum != 0 ? "momentum_buffer" : nullptr}),
      options_(options) {
  LACUNA_CHECK(options.momentum >= 0 && options.momentum < 1, "Sgd",
               "momentum must be at least 0 and below 1: got ", options.momentum);
  LACUNA_CHECK(!options.nesterov || options.momentum > 0, "Sgd", "Nesterov needs a momentum");
}

void Sgd::apply(const std::vector<OptimizerTensor>& table, const Inputs& in) const {
  run<&KernelTable::sgd_step>(
      SgdStep{table.data(), static_cast<std::int64_t>(table.size()), options_.momentum,
              options_.nesterov, in.grad_scale, in.scale, in.rates},
      table[0].param.device);
}

}  // namespace lacuna
