#pragma once
// The activation of a product's or a convolution's epilogue.
#include <device/intrinsics.cuh>

#include "../../epilogue.h"
#include "../../math.h"

namespace lacuna::LACUNA_NS {

__device__ __forceinline__ float activated(float v, Epilogue epilogue) {
  switch (epilogue) {
    case Epilogue::relu:
      return v < 0 ? 0.0f : v;
    case Epilogue::sigmoid:
      return math::sigmoid(v);
    case Epilogue::tanh:
      return math::tanh(v);
    default:
      return v;
  }
}

}  // namespace lacuna::LACUNA_NS
