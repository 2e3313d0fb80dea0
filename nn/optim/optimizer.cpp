#include "optimizer.h"

#include <set>

#include "../../core/graph.h"
#include "../../core/ops/shape.h"
#include "../../core/shadow.h"
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
    const auto zeros = [&p = tensor] { return Tensor::zeros(p.shape(), p.dtype(), p.device()); };
    if (settings.first) slot.first = zeros();
    if (settings.second) slot.second = zeros();
    slots_.push_back(std::move(slot));
  }
}

std::vector<std::size_t> Optimizer::with_gradient() const {
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < slots_.size(); i++)
    if (parameters_[i].tensor.grad().defined()) which.push_back(i);
  return which;
}

std::vector<OptimizerTensor> Optimizer::table_of(const std::vector<std::size_t>& which) const {
  std::vector<OptimizerTensor> table;
  for (const std::size_t i : which) {
    OptimizerTensor entry;
    entry.param = parameters_[i].tensor.array();
    entry.grad = parameters_[i].tensor.grad().array();
    entry.first = slots_[i].first.array();
    entry.second = slots_[i].second.array();
    entry.shadow = shadow_to_write(parameters_[i].tensor);
    entry.lr = lr * slots_[i].lr_scale;
    entry.weight_decay = slots_[i].weight_decay;
    entry.adapt = slots_[i].adapt;
    table.push_back(entry);
  }
  return table;
}

std::vector<OptimizerTensor> Optimizer::next_step(const std::vector<std::size_t>& which) {
  std::vector<std::int64_t> steps;
  for (const std::size_t i : which) {
    Slot& slot = slots_[i];
    steps.push_back(++slot.steps);
    for (const Tensor& t : {parameters_[i].tensor, slot.first, slot.second})
      if (t.defined()) t.storage()->bump_version();
  }
  std::vector<OptimizerTensor> table = table_of(which);
  correct(table, steps);
  return table;
}

void Optimizer::step(const Inputs& inputs) {
  const std::vector<std::size_t> which = with_gradient();
  if (which.empty()) return;
  if (!Graph::recording()) return apply(next_step(which), inputs);
  LACUNA_CHECK(rates_.defined(), "optimizer", "a step is recorded only after before_recording()");
  recorded_ = which;
  Inputs recorded = inputs;
  recorded.rates = slice(rates_, 0, 0, static_cast<std::int64_t>(which.size())).array();
  apply(table_of(which), recorded);
}

void Optimizer::step(double grad_scale) { step(Inputs{.grad_scale = grad_scale}); }
void Optimizer::step(const Tensor& grad_scale) { step(Inputs{.scale = grad_scale.array()}); }

void Optimizer::before_recording() {
  zero_grad();
  recorded_.clear();
  if (rates_.defined() || parameters_.empty()) return;
  const Tensor& p = parameters_[0].tensor;
  rates_ = Tensor::empty({static_cast<std::int64_t>(parameters_.size()), 3}, p.dtype(), p.device());
}

void Optimizer::before_replay() {
  std::vector<float> rates;
  for (const OptimizerTensor& t : next_step(recorded_))
    for (const double x : this->rates(t)) rates.push_back(static_cast<float>(x));
  if (!rates.empty())
    detail::copy_from_host(slice(rates_, 0, 0, static_cast<std::int64_t>(recorded_.size())),
                           rates.data(), rates.size());
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
