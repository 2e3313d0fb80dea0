#pragma once
// Where PyTorch's tensors are laid out otherwise than ours. Names are the same: modules are numbered as in nn.Sequential.
//
//   convolution             ours (out, kh, kw, in / groups)   PyTorch's (out, in / groups, kh, kw)
//   transposed convolution  ours (in, kh, kw, out / groups)   PyTorch's (in, out / groups, kh, kw)
//   everything else         the same
#include "../core/tensor.h"

namespace lacuna::tools {

Tensor to_pytorch(const Tensor& ours);
Tensor from_pytorch(const Tensor& theirs);

}  // namespace lacuna::tools
