#include "layouts.h"

#include "../core/ops/shape.h"

namespace lacuna::tools {

// Both kinds of convolution weight move their last dimension to the second place; nothing else has four dimensions.
Tensor to_pytorch(const Tensor& ours) {
  return ours.ndim() == 4 ? contiguous(permute(ours, {0, 3, 1, 2})) : ours;
}

Tensor from_pytorch(const Tensor& theirs) {
  return theirs.ndim() == 4 ? contiguous(permute(theirs, {0, 2, 3, 1})) : theirs;
}

}  // namespace lacuna::tools
