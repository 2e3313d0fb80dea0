#include "module.h"

#include <set>

#include "../core/ops/shape.h"
#include "../core/tape.h"

namespace lacuna {

void Members::parameter(const std::string& name, Tensor& tensor, const Shape& shape,
                        const Initializer& initializer) {
  entries_.push_back({prefix_ + name, &tensor, shape, initializer, true});
}

void Members::buffer(const std::string& name, Tensor& tensor, const Shape& shape, double value) {
  entries_.push_back({prefix_ + name, &tensor, shape, init::constant(value), false});
}

void Members::child(const std::string& name, Module& module) {
  const std::string outer = prefix_;
  modules_.emplace_back(outer + name, &module);
  prefix_ = outer + name + ".";
  module.members(*this);
  prefix_ = outer;
}

Members Module::list() const {
  Members m;
  Module& self = const_cast<Module&>(*this);  // members() hands out references for all uses at once
  m.modules_.emplace_back("", &self);
  self.members(m);
  std::set<std::string> names;
  for (const auto& entry : m.entries_)
    LACUNA_CHECK(names.insert(entry.name).second, "module", "two tensors are named \"", entry.name,
                 '"');
  return m;
}

Tensor Module::forward(Context&, const Tensor&) {
  fail("module", "module \"", path_, "\" takes other arguments than one tensor");
}

void Module::initialize(std::uint64_t seed, const std::string& path) {
  const Members m = list();
  const std::string before = path.empty() ? "" : path + ".";
  for (const auto& entry : m.entries_) {
    *entry.tensor = Tensor::empty(entry.shape);
    lacuna::initialize(*entry.tensor, entry.initializer, seed, before + entry.name);
    if (entry.learned) entry.tensor->requires_grad();
  }
  for (const auto& [name, module] : m.modules_) {
    module->path_ = name.empty() ? path : before + name;
    module->initialized_ = true;
  }
}

bool Module::initialized() const { return initialized_; }

std::vector<NamedTensor> Module::parameters() const {
  std::vector<NamedTensor> out;
  for (const auto& entry : list().entries_) {
    if (!entry.learned) continue;
    LACUNA_CHECK(initialized_, "module", "has no values yet, call initialize(seed) first");
    out.push_back({entry.name, *entry.tensor});
  }
  return out;
}

std::vector<NamedTensor> Module::buffers() const {
  std::vector<NamedTensor> out;
  for (const auto& entry : list().entries_)
    if (!entry.learned) out.push_back({entry.name, *entry.tensor});
  return out;
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& entry : list().entries_)
    if (entry.learned) count += entry.shape.numel();
  return count;
}

StateDict Module::state_dict() const {
  StateDict state;
  for (const auto& entry : list().entries_) {
    LACUNA_CHECK(initialized_, "module", "has no values yet, call initialize(seed) first");
    state[entry.name] = entry.tensor->detach();
  }
  return state;
}

void Module::load_state_dict(const StateDict& state) {
  std::vector<NamedTensor> tensors;
  for (const auto& entry : list().entries_) {
    LACUNA_CHECK(initialized_, "module", "has no tensors yet, call initialize(seed) first");
    tensors.push_back({entry.name, *entry.tensor});
  }
  load_state("load_state_dict", tensors, state);
}

template <class Move>
void Module::replace(Move&& move) {
  const Members m = list();
  NoGrad guard;
  for (const auto& entry : m.entries_) {
    LACUNA_CHECK(initialized_, "module", "has no tensors yet, call initialize(seed) first");
    const bool needs_grad = entry.tensor->needs_grad();
    *entry.tensor = move(entry.tensor->detach());
    if (needs_grad) entry.tensor->requires_grad();
  }
}

void Module::to(Device device) {
  replace([&](const Tensor& t) { return lacuna::to(t, device); });
}
void Module::to(Dtype dtype) {
  replace([&](const Tensor& t) { return lacuna::to(t, dtype); });
}

void Module::requires_grad(bool on) {
  for (const auto& entry : list().entries_)
    if (entry.learned) entry.tensor->requires_grad(on);
}

void Module::zero_grad() {
  for (const auto& entry : list().entries_)
    if (entry.learned && entry.tensor->needs_grad()) entry.tensor->set_grad({});
}

}  // namespace lacuna
