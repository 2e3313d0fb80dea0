#pragma once
// The built-in variables of a CUDA thread.
#include "../engine.h"

namespace lacuna::emu {

inline thread_local constinit Index3 threadIdx, blockIdx, blockDim, gridDim;

}  // namespace lacuna::emu
