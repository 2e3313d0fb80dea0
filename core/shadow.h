#pragma once
// Parameters beside bf16 activations. A parameter is f32, and so is its gradient; products read it rounded to bf16, from a
// copy that its storage keeps: its shadow. A shadow is made when it is first asked for, and again when the storage has
// changed since. The kernels of optimizers write it along with the parameter, so that training never makes one twice.
#include "tensor.h"

namespace lacuna {

/// What an op reads of a parameter beside activations of this type: its shadow, of the same shape and strides and not on
/// the tape, where the parameter is f32 and the activations are bf16; else (and where it is undefined) itself. The op's
/// backward gives the parameter's gradient in f32.
Tensor beside(const Tensor& parameter, Dtype activations);

/// For a kernel that changes all of a parameter and can write its shadow, too: the shadow, which counts as up to date from
/// here on. Absent where there is none. Call it after the parameter's version went up.
Array shadow_to_write(const Tensor& parameter);

}  // namespace lacuna
