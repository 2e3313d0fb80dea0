#pragma once
// Tensors by name: what modules and optimizers hand to checkpoints and take from them.
#include <map>
#include <string>
#include <vector>

#include "../core/tensor.h"

namespace lacuna {

struct NamedTensor {
  std::string name;  // "encoder.0.weight"
  Tensor tensor;     // shares storage and gradient with its owner's
};

using StateDict = std::map<std::string, Tensor>;

/// Copies `from` into the tensors of the same names; device may differ, and so may floating-point dtypes. One error of `op`
/// lists names that are missing, unexpected or of another shape or kind of type, the first few of each; nothing has been changed then.
void load_state(const char* op, const std::vector<NamedTensor>& into, const StateDict& from);

/// The entries whose names begin with `prefix`, without it: with_prefix(state, "encoder.").
StateDict with_prefix(const StateDict& state, const std::string& prefix);
/// Adds `from` to `state`, with `prefix` put before each name. A name that is there already is an error.
void insert_with_prefix(StateDict& state, const std::string& prefix, const StateDict& from);

}  // namespace lacuna
