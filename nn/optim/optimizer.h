#pragma once
// What optimizers share. A step reads every parameter's gradient and changes the parameter, in one kernel call:
//
//   Adam adam(model.parameters(), {.lr = 1e-3});
//   adam.zero_grad();  backward(loss);  adam.step();
//
//   adam.lr = schedule.at(step);                                        // schedules: schedule.h
//   adam.step(clip_scale(global_norm(adam.parameters()), 1.0));         // clipping: clip.h
#include <functional>
#include <optional>

#include "../../kernels/optimizer.h"
#include "../state.h"

namespace lacuna {

/// Settings of some parameters that differ from the optimizer's own.
struct ParameterGroup {
  std::function<bool(const std::string& name)> holds;  // the first group that holds a name counts
  double lr_scale = 1;                                 // times Optimizer::lr
  std::optional<double> weight_decay = {};             // the optimizer's where not given
  bool adapt = true;                                   // Lamb, Lars: by the trust ratio
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  double lr;  // of the next step

  /// Gradients times grad_scale are applied. Parameters that have none are left alone, and so is their state.
  void step(double grad_scale = 1);
  void zero_grad();
  const std::vector<NamedTensor>& parameters() const { return parameters_; }

  /// What a step depends on beside parameters and settings, such as "encoder.0.weight.exp_avg".
  StateDict state_dict() const;
  void load_state_dict(const StateDict& state);

 protected:
  struct Settings {
    double lr, weight_decay;
    const char* first = nullptr;  // names of the state that a rule keeps, where it does
    const char* second = nullptr;
    bool counts_steps = false;
  };
  Optimizer(std::vector<NamedTensor> parameters, const std::vector<ParameterGroup>& groups,
            const Settings& settings);

  /// One step over the table; steps[i] of them have been made with tensor i, this one included.
  virtual void apply(std::vector<OptimizerTensor>& table, const std::vector<std::int64_t>& steps,
                     double grad_scale, Device device) = 0;

 private:
  struct Slot {
    double lr_scale, weight_decay;
    Tensor first, second;
    bool adapt = true;
    std::int64_t steps = 0;
  };
  std::vector<NamedTensor> state_tensors() const;

  Settings settings_;
  std::vector<NamedTensor> parameters_;
  std::vector<Slot> slots_;  // one a parameter
};

}  // namespace lacuna
