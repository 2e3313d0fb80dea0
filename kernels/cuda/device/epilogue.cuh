#pragma once
// The activation of a product's or a convolution's epilogue.
#include <device/intrinsics.cuh>

#include "../../epilogue.h"
#include "../../math.h"

namespace lacuna::LACUNA_NS {

/// Not inlined: it would stand 64 times in every kernel.
__device__ LACUNA_NOINLINE inline float saturate(float v, bool as_tanh) {
  return as_tanh ? math::tanh(v) : math::sigmoid(v);
}

__device__ inline float activated(float v, Epilogue epilogue) {
  if (epilogue == Epilogue::relu) v = v < 0 ? 0.0f : v;
  if (epilogue >= Epilogue::sigmoid) v = saturate(v, epilogue == Epilogue::tanh);
  return v;
}

}  // namespace lacuna::LACUNA_NS
