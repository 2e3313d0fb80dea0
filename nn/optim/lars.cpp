#include "lars.h"

#include "../../kernels/optimizer_layerwise.h"

namespace lacuna {

Lars::Lars(std::vector<NamedTensor> parameters, const Options& options,
           const std::vector<ParameterGroup>& groups)
    : Optimizer(
          std::move(parameters), groups,
          {.lr = options.lr, .weight_decay = options.weight_decay, .first = "momentum_buffer"}),
      options_(options) {
  LACUNA_CHECK(options.momentum >= 0 && options.momentum < 1 && options.eta > 0, "Lars",
               "needs a momentum of at least 0 and below 1, and eta above 0: got momentum ",
               options.momentum, ", eta ", options.eta);
}

void Lars::apply(std::vector<OptimizerTensor>& table, const std::vector<std::int64_t>&,
                 double grad_scale, Device device) {
  run<&KernelTable::lars_step>(LarsStep{table.data(), static_cast<std::int64_t>(table.size()),
                                        options_.momentum, options_.eta, grad_scale},
                               device);
}

}  // namespace lacuna
