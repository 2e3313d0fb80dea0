#include "optimizer_layerwise.h"

namespace lacuna {

void validate(const LambStep& a) { check_optimizer_tensors(a.op, a.tensors, a.count, true, true); }
void validate(const LarsStep& a) { check_optimizer_tensors(a.op, a.tensors, a.count, true, false); }

}  // namespace lacuna
