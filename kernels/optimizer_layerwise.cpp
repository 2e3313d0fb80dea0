#include "optimizer_layerwise.h"

namespace lacuna {

void validate(const LambStep& a) {
  check_optimizer_tensors(a.op, a.tensors, a.count, true, true);
  check_step_inputs(a.op, a.tensors, a.count, a.scale, a.rates);
}
void validate(const LarsStep& a) {
  check_optimizer_tensors(a.op, a.tensors, a.count, true, false);
  check_step_inputs(a.op, a.tensors, a.count, a.scale, a.rates);
}

}  // namespace lacuna
