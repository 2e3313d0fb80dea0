#pragma once
// What a tensor map is made of, and the rules that cuTensorMapEncodeTiled sets (CUDA driver API). Not a twin: emu refuses
// what the driver would refuse.
#include <device/shared_layout.cuh>

#include "../../error.h"

namespace lacuna::LACUNA_NS {

inline constexpr int kMaxRegionDims = 5;

/// A region of global memory that is copied box by box. Dimension 0 is contiguous.
struct TensorRegion {
  Dtype dtype = Dtype::bf16;
  void* data = nullptr;
  int rank = 2;
  std::int64_t shape[kMaxRegionDims] = {};
  std::int64_t strides[kMaxRegionDims] = {};  // in bytes; the first is an element's size
  int box[kMaxRegionDims] = {};
  Swizzle swizzle = Swizzle::none;

  /// What a copy of one box brings, elements outside the region included.
  LACUNA_HD std::int64_t box_bytes() const {
    auto bytes = static_cast<std::int64_t>(size_of(dtype));
    for (int d = 0; d < rank; d++) bytes *= box[d];
    return bytes;
  }
};

/// Rows of `row_stride` elements, in boxes of (box_rows, box_columns).
template <class T>
TensorRegion matrix_region(const T* p, std::int64_t rows, std::int64_t columns,
                           std::int64_t row_stride, int box_rows, int box_columns,
                           Swizzle swizzle) {
  constexpr std::int64_t kElement = sizeof(T);
  return {dtype_of<T>,
          const_cast<T*>(p),
          2,
          {columns, rows},
          {kElement, row_stride * kElement},
          {box_columns, box_rows},
          swizzle};
}

/// Throws where the driver would refuse to encode it.
inline void check_region(const TensorRegion& r) {
  const auto element = static_cast<std::int64_t>(size_of(r.dtype));
  LACUNA_CHECK(r.rank >= 1 && r.rank <= kMaxRegionDims, "tensor_map",
               "a region has 1 to 5 dimensions: got ", r.rank);
  LACUNA_CHECK(reinterpret_cast<std::uintptr_t>(r.data) % 16 == 0, "tensor_map",
               "a region starts at a multiple of 16 bytes: got ", r.data);
  LACUNA_CHECK(r.strides[0] == element, "tensor_map", "dimension 0 is contiguous: got a stride of ",
               r.strides[0], " bytes for ", name_of(r.dtype));
  for (int d = 0; d < r.rank; d++) {
    LACUNA_CHECK(r.shape[d] >= 1 && r.shape[d] <= std::int64_t{1} << 32, "tensor_map", "dimension ",
                 d, " has 1 to 2^32 elements: got ", r.shape[d]);
    LACUNA_CHECK(r.box[d] >= 1 && r.box[d] <= 256, "tensor_map", "a box has 1 to 256 elements of ",
                 "dimension ", d, ": got ", r.box[d]);
    if (d > 0)
      LACUNA_CHECK(
          r.strides[d] > 0 && r.strides[d] % 16 == 0 && r.strides[d] < std::int64_t{1} << 40,
          "tensor_map", "strides are multiples of 16 bytes below 2^40: got ", r.strides[d],
          " for dimension ", d);
  }
  const std::int64_t line = r.box[0] * element;
  LACUNA_CHECK(line % 16 == 0, "tensor_map", "lines of a box are multiples of 16 bytes: got ",
               line);
  LACUNA_CHECK(r.swizzle == Swizzle::none || line <= span(r.swizzle), "tensor_map",
               "lines of a swizzled box have at most ", span(r.swizzle), " bytes: got ", line);
}

}  // namespace lacuna::LACUNA_NS
