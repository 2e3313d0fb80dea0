#include "ema.h"

#include "../../core/shadow.h"
#include "../../core/tape.h"
#include "../../kernels/optimizer.h"

namespace lacuna {

void update_average(const std::vector<NamedTensor>& averages,
                    const std::vector<NamedTensor>& values, double decay) {
  LACUNA_CHECK(decay >= 0 && decay <= 1, "ema", "decay must be between 0 and 1: got ", decay);
  LACUNA_CHECK(averages.size() == values.size(), "ema", "needs one average a value: got ",
               averages.size(), " and ", values.size());
  std::vector<OptimizerTensor> table;
  for (std::size_t i = 0; i < values.size(); i++) {
    LACUNA_CHECK(averages[i].name == values[i].name, "ema", "names must be the same: got ",
                 averages[i].name, " and ", values[i].name);
    averages[i].tensor.storage()->bump_version();
    OptimizerTensor entry;
    entry.param = averages[i].tensor.array();
    entry.grad = values[i].tensor.array();
    entry.shadow = shadow_to_write(averages[i].tensor);
    table.push_back(entry);
  }
  if (table.empty()) return;
  run<&KernelTable::lerp_step>(
      LerpStep{table.data(), static_cast<std::int64_t>(table.size()), 1 - decay},
      averages[0].tensor.device());
}

Ema::Ema(std::vector<NamedTensor> values) : values_(std::move(values)) {
  for (const auto& [name, tensor] : values_) averages_.push_back({name, tensor.detach().clone()});
}

void Ema::update(double decay) { update_average(averages_, values_, decay); }

void Ema::swap() {
  NoGrad guard;
  for (std::size_t i = 0; i < values_.size(); i++) {
    const Tensor before = values_[i].tensor.detach().clone();
    values_[i].tensor.copy_from(averages_[i].tensor);
    averages_[i].tensor.copy_from(before);
  }
}

StateDict Ema::state_dict() const {
  StateDict state;
  for (const auto& [name, tensor] : averages_) state[name] = tensor;
  return state;
}

}  // namespace lacuna
