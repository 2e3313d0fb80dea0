#include "state.h"

#include <set>

#include "../core/suggest.h"
#include "../core/tape.h"

namespace lacuna {

void load_state(const char* op, const std::vector<NamedTensor>& into, const StateDict& from) {
  std::vector<std::string> missing, unexpected, misfits;
  std::set<std::string> known;
  for (const auto& [name, tensor] : into) {
    known.insert(name);
    const auto it = from.find(name);
    if (it == from.end()) {
      missing.push_back(name);
    } else if (!it->second.defined() || !(it->second.shape() == tensor.shape()) ||
               is_floating(it->second.dtype()) != is_floating(tensor.dtype())) {
      misfits.push_back(describe(name.c_str(), it->second) + " instead of " +
                        describe("", tensor).substr(1));
    }
  }
  for (const auto& [name, tensor] : from)
    if (!known.count(name)) unexpected.push_back(name);
  const auto list = [](const char* title, const std::vector<std::string>& names) {
    return names.empty() ? "" : title + some_of(names);
  };
  LACUNA_CHECK(missing.empty() && unexpected.empty() && misfits.empty(), op,
               "names and shapes must be those of what is loaded into",
               list("; missing: ", missing), list("; unexpected: ", unexpected),
               list("; of another shape or type: ", misfits));
  NoGrad guard;
  for (const auto& [name, tensor] : into) Tensor(tensor).copy_from(from.at(name));
}

StateDict with_prefix(const StateDict& state, const std::string& prefix) {
  StateDict out;
  for (auto it = state.lower_bound(prefix); it != state.end(); ++it) {
    if (it->first.compare(0, prefix.size(), prefix) != 0) break;
    out[it->first.substr(prefix.size())] = it->second;
  }
  return out;
}

void insert_with_prefix(StateDict& state, const std::string& prefix, const StateDict& from) {
  for (const auto& [name, tensor] : from)
    LACUNA_CHECK(state.emplace(prefix + name, tensor).second, "state_dict",
                 "two tensors are named \"", prefix, name, '"');
}

}  // namespace lacuna
