#pragma once
// Walks several strided arrays of one shape together: dimensions of size 1 are dropped, neighbours that are contiguous in
// every array are merged, and the innermost dimension is left to the caller's loop.
#include "array.h"

namespace lacuna {

template <int K>
struct Walk {
  int ndim = 0;                            // after merging, the inner dimension not counted
  std::int64_t shape[kMaxDims] = {};       // outer sizes
  std::int64_t strides[K][kMaxDims] = {};  // outer strides, in elements
  std::int64_t inner = 1;                  // size of the innermost dimension
  std::int64_t inner_strides[K] = {};
  std::int64_t outer = 1;  // product of the outer sizes; 0 where anything is empty

  explicit Walk(const Array* const (&arrays)[K]) {
    int n = 0;
    std::int64_t sizes[kMaxDims], steps[K][kMaxDims];
    for (int d = 0; d < arrays[0]->ndim; d++) {
      const std::int64_t size = arrays[0]->shape[d];
      if (size == 1) continue;
      bool merges = n > 0;
      for (int k = 0; k < K && merges; k++)
        merges = steps[k][n - 1] == arrays[k]->strides[d] * size;
      if (!merges) sizes[n++] = 1;
      sizes[n - 1] *= size;
      for (int k = 0; k < K; k++) steps[k][n - 1] = arrays[k]->strides[d];
    }
    if (n > 0) {
      inner = sizes[n - 1];
      for (int k = 0; k < K; k++) inner_strides[k] = steps[k][n - 1];
      ndim = n - 1;
    }
    for (int d = 0; d < ndim; d++) {
      shape[d] = sizes[d];
      outer *= sizes[d];
      for (int k = 0; k < K; k++) strides[k][d] = steps[k][d];
    }
    if (inner == 0) outer = 0;
  }

  /// Offsets of outer row `row` in every array.
  LACUNA_HD void offsets(std::int64_t row, std::int64_t (&out)[K]) const {
    for (int k = 0; k < K; k++) out[k] = 0;
    for (int d = ndim - 1; d >= 0; d--) {
      const std::int64_t i = row % shape[d];
      row /= shape[d];
      for (int k = 0; k < K; k++) out[k] += i * strides[k][d];
    }
  }
};

}  // namespace lacuna
