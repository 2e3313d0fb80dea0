#pragma once
// Exponential moving averages of parameters: for evaluation, and for teachers that follow their student (MoCo, BYOL, DINO).
#include "../state.h"

namespace lacuna {

/// average = decay * average + (1 - decay) * value, for each pair; both lists have the same names and shapes, in order.
/// A teacher: update_average(teacher.parameters(), student.parameters(), 0.996).
void update_average(const std::vector<NamedTensor>& averages,
                    const std::vector<NamedTensor>& values, double decay);

/// Averages of the given tensors, which begin as copies of them.
class Ema {
 public:
  explicit Ema(std::vector<NamedTensor> values);

  void update(double decay);
  /// Exchanges averages and values: evaluate between two calls.
  void swap();
  /// By the values' names.
  StateDict state_dict() const;
  void load_state_dict(const StateDict& state) { load_state("ema", averages_, state); }

 private:
  std::vector<NamedTensor> values_, averages_;
};

}  // namespace lacuna
