#pragma once
// Clipping by the global norm (Pascanu, Mikolov, Bengio 2013).
#include "../state.h"

namespace lacuna {

/// The Euclidean norm of all gradients as one vector; those that are not there count as zeros. In f64, in a fixed order.
double global_norm(const std::vector<NamedTensor>& parameters);

/// What gradients of this norm are multiplied by so that it is at most max_norm: min(1, max_norm / (norm + 1e-6)), as
/// torch.nn.utils.clip_grad_norm_. A norm that is not finite gives NaN.
double clip_scale(double norm, double max_norm);

/// Both on the gradients' device, for Optimizer::step: (1). NaN where the loss or the norm is not finite, so that such a
/// step changes nothing. A max_norm of 0 asks about the loss alone.
Tensor step_scale(const Tensor& loss, const std::vector<NamedTensor>& parameters, double max_norm);

}  // namespace lacuna
