#pragma once
// Arrays for callers that have no Tensor: tests and benchmarks of kernels.
#include <utility>
#include <vector>

#include "array.h"

namespace lacuna {

/// A contiguous array at `data`.
inline Array row_major(void* data, Dtype dtype, Device device,
                       const std::vector<std::int64_t>& shape) {
  Array a;
  a.data = data;
  a.dtype = dtype;
  a.device = device;
  a.ndim = static_cast<std::int8_t>(shape.size());
  std::int64_t stride = 1;
  for (int d = a.ndim - 1; d >= 0; d--) {
    a.shape[d] = shape[d];
    a.strides[d] = stride;
    stride *= shape[d];
  }
  return a;
}

/// With its last two dimensions exchanged.
inline Array transposed(Array a) {
  std::swap(a.shape[a.ndim - 1], a.shape[a.ndim - 2]);
  std::swap(a.strides[a.ndim - 1], a.strides[a.ndim - 2]);
  return a;
}

}  // namespace lacuna
