#include "lamb.h"

#include <cmath>

#include "../../kernels/optimizer_layerwise.h"

namespace lacuna {

Lamb::Lamb(std::vector<NamedTensor> parameters, const Options& options,
           const std::vector<ParameterGroup>& groups)
    : Optimizer(std::move(parameters), groups,
                {.lr = options.lr,
                 .weight_decay = options.weight_decay,
                 .first = "exp_avg",
                 .second = "exp_avg_sq",
                 .counts_steps = true}),
      options_(options) {
  const auto fraction = [](double b) { return b >= 0 && b < 1; };
  LACUNA_CHECK(fraction(options.beta1) && fraction(options.beta2) && options.eps >= 0, "Lamb",
               "needs betas of at least 0 and below 1, and eps of at least 0: got beta1 ",
               options.beta1, ", beta2 ", options.beta2, ", eps ", options.eps);
}

void Lamb::apply(std::vector<OptimizerTensor>& table, const std::vector<std::int64_t>& steps,
                 double grad_scale, Device device) {
  if (options_.bias_correction) {
    for (std::size_t i = 0; i < table.size(); i++) {
      table[i].bias1 = 1 - std::pow(options_.beta1, static_cast<double>(steps[i]));
      table[i].bias2 = 1 - std::pow(options_.beta2, static_cast<double>(steps[i]));
    }
  }
  run<&KernelTable::lamb_step>(LambStep{table.data(), static_cast<std::int64_t>(table.size()),
                                        options_.beta1, options_.beta2, options_.eps, grad_scale},
                               device);
}

}  // namespace lacuna
