#pragma once
// What optimizers share. A step reads every parameter's gradient and changes the parameter, in one kernel call:
//
//   Adam adam(model.parameters(), {.lr = 1e-3});
//   adam.zero_grad();  backward(loss);  adam.step();
//
//   adam.lr = schedule.at(step);                                        // schedules: schedule.h
//   adam.step(clip_scale(global_norm(adam.parameters()), 1.0));         // clipping: clip.h
//   adam.step(step_scale(loss, adam.parameters(), 1.0));                // the same without waiting for the device
#include <array>
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
  /// The same with a scale (1) that lies on the parameters' device; where it is NaN, no parameter and no state is changed.
  /// While a graph is recorded (core/graph.h), the step is recorded and not counted: see before_recording().
  void step(const Tensor& grad_scale);
  void zero_grad();

  /// Around a step that is replayed. What changes from one step to the next (lr, bias corrections) then lies in the
  /// device's memory: the first call drops the gradients and makes room for it, outside of the recording; the second counts
  /// the step that the next replay makes, and writes its numbers.
  void before_recording();
  void before_replay();

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
    bool decoupled = false;  // weight decay, as in AdamW
  };
  Optimizer(std::vector<NamedTensor> parameters, const std::vector<ParameterGroup>& groups,
            const Settings& settings);

  /// What of a step does not come from the table; as in kernels/optimizer.h.
  struct Inputs {
    double grad_scale = 1;
    Array scale = {}, rates = {};
  };
  /// Sets the table's bias1 and bias2; steps[i] steps have been made with tensor i, the one to come included.
  virtual void correct(std::vector<OptimizerTensor>& table,
                       const std::vector<std::int64_t>& steps) const {}
  /// One step over the table, in one kernel call.
  virtual void apply(const std::vector<OptimizerTensor>& table, const Inputs& inputs) const = 0;
  /// The three numbers of a tensor's step that a replay reads from the device's memory.
  virtual std::array<double, 3> rates(const OptimizerTensor& t) const {
    const Rates r = rates_of(t, settings_.decoupled);
    return {r.step, r.keep, r.root_bias2};
  }
  const Settings& settings() const { return settings_; }

 private:
  struct Slot {
    double lr_scale, weight_decay;
    Tensor first, second;
    bool adapt = true;
    std::int64_t steps = 0;
  };
  std::vector<NamedTensor> state_tensors() const;
  /// Which parameters have a gradient.
  std::vector<std::size_t> with_gradient() const;
  /// The table of the next step of these parameters; the step is counted, and what it changes is marked so.
  std::vector<OptimizerTensor> next_step(const std::vector<std::size_t>& which);
  std::vector<OptimizerTensor> table_of(const std::vector<std::size_t>& which) const;
  void step(const Inputs& inputs);

  Settings settings_;
  std::vector<NamedTensor> parameters_;
  std::vector<Slot> slots_;            // one a parameter
  std::vector<std::size_t> recorded_;  // the parameters that a recorded step changes
  Tensor rates_;                       // (parameters, 3): Rates of those, first rows first
};

}  // namespace lacuna
