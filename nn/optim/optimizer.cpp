#include "optimizer.h"

#include <set>

#include "../../core/tape.h"

namespace lacuna {

Optimizer::Optimizer(std::vector<NamedTensor> parameters, const std::vector<ParameterGroup>& groups,
                     const Settings& settings)
    : lr(settings.lr), settings_(settings), parameters_(std::move(parameters)) {
  LACUNA_CHECK(settings.lr >= 0 && settings.weight_decay >= 0, "optimizer",
               "needs lr and weight decay of at least 0: got ", settings.lr, " and ",
               settings.weight_decay);
  std::set<std::string> names;
  for (const auto& [name, tensor] : parameters_) {
    LACUNA_CHECK(names.insert(name).second, "optimizer", "two parameters are named \"", name, '"');
    LACUNA_CHECK(tensor.defined() && tensor.needs_grad() && tensor.is_contiguous(), "optimizer",
                 "takes contiguous tensors that require a gradient: got ",
                 describe(name.c_str(), tensor));
    Slot slot{1, settings.weight_decay, {}, {}};
    for (const ParameterGroup& group : groups) {
      if (!group.holds(name)) continue;
      slot.lr_scale = group.lr_scale;
      slot.weight_decay = group.weight_decay.value_or(settings.weight_decay);
      slot.adapt = group.adapt;
      break;
    }
    const auto zeros = [&] {
      return Tensor::zeros(tensor.shape(), tensor.dtype(), tensor.device());
    };
    if (settings.first) slot.first = zeros();
    if (settings.second) slot.second = zeros();
    slots_.push_back(std::move(slot));
  }
}

void Optimizer::step(double grad_scale) {
  std::vector<OptimizerTensor> table;
  std::vector<std::int64_t> steps;
  for (std::size_t i = 0; i < slots_.size(); i++) {
    const Tensor& p = parameters_[i].tensor;
    const Tensor grad = p.grad();
    if (!grad.defined()) continue;
    Slot& slot = slots_[i];
    slot.steps++;
    for (const Tensor& t : {p, slot.first, slot.second})
      if (t.defined()) t.storage()->bump_version();
    OptimizerTensor entry;
    entry.param = p.array();
    entry.grad = grad.array();
    entry.first = slot.first.array();
    entry.second = slot.second.array();
    entry.lr = lr * slot.lr_scale;
    entry.weight_decay = slot.weight_decay;
    entry.adapt = slot.adapt;
    table.push_back(entry);
    steps.push_back(slot.steps);
  }
  if (!table.empty()) apply(table, steps, grad_scale, table[0].param.device);
}

void Optimizer::zero_grad() {
  for (auto& [name, tensor] : parameters_)
    if (tensor.needs_grad()) tensor.set_grad({});
}

std::vector<NamedTensor> Optimizer::state_tensors() const {
  std::vector<NamedTensor> out;
  for (std::size_t i = 0; i < slots_.size(); i++) {
    const std::string& name = parameters_[i].name;
    if (settings_.first) out.push_back({name + "." + settings_.first, slots_[i].first});
    if (settings_.second) out.push_back({name + "." + settings_.second, slots_[i].second});
    if (settings_.counts_steps)
      out.push_back({name + ".step", Tensor::from(std::vector<std::int64_t>{slots_[i].steps}, {})});
  }
  return out;
}

StateDict Optimizer::state_dict() const {
  StateDict state;
  for (const auto& [name, tensor] : state_tensors()) state[name] = tensor;
  return state;
}

void Optimizer::load_state_dict(const StateDict& state) {
  load_state("optimizer", state_tensors(), state);
  if (!settings_.counts_steps) return;
  for (std::size_t i = 0; i < slots_.size(); i++) {
    slots_[i].steps = state.at(parameters_[i].name + ".step").to_vector<std::int64_t>()[0];
    LACUNA_CHECK(slots_[i].steps >= 0, "optimizer", parameters_[i].name,
                 ".step must not be negative: got ", slots_[i].steps);
  }
}

}  // namespace lacuna
