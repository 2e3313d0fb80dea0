#pragma once
#include "../tensor.h"

namespace lacuna {

/// x with before[d] elements of `value` put before dimension d and after[d] after it. Any dtype. To take elements away,
/// use slice.
Tensor pad(const Tensor& x, const Shape& before, const Shape& after, double value = 0);

}  // namespace lacuna
