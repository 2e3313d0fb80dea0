#pragma once
// What a tensor map is made of, and the rules that cuTensorMapEncodeTiled and cuTensorMapEncodeIm2col set (CUDA driver API).
// Not a twin: emu refuses what the driver would refuse.
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

  // Of images (shape C, W, H, N) a box may also be box[1] pixels of box[0] channels: those that one tap of a convolution's
  // filter meets, one output after another. Their bases go from `lower` to the last pixel + `upper` by `step` along W, then
  // along H, then to the next image; a tap is an offset from the base.
  bool im2col = false;
  int lower[2] = {}, upper[2] = {}, step[2] = {1, 1};  // along W, H

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

/// Images (n, h, w, c), row-major, as a convolution with a filter of size (r, s) on `padding` zeros each side meets them.
template <class T>
TensorRegion image_region(const T* p, std::int64_t n, std::int64_t h, std::int64_t w,
                          std::int64_t c, int r, int s, int padding, int stride, int box_pixels,
                          int box_channels, Swizzle swizzle) {
  constexpr std::int64_t kElement = sizeof(T);
  TensorRegion region;
  region.dtype = dtype_of<T>;
  region.data = const_cast<T*>(p);
  region.rank = 4;
  const std::int64_t shape[] = {c, w, h, n};
  const int box[] = {box_channels, box_pixels, 1, 1};
  for (int d = 0; d < 4; d++) {
    region.shape[d] = shape[d];
    region.strides[d] = d == 0 ? kElement : region.strides[d - 1] * shape[d - 1];
    region.box[d] = box[d];
  }
  region.swizzle = swizzle;
  region.im2col = true;
  for (int axis = 0; axis < 2; axis++) {
    region.lower[axis] = -padding;
    region.upper[axis] = padding - ((axis == 0 ? s : r) - 1);
    region.step[axis] = stride;
  }
  return region;
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
    const int most = r.im2col && d == 1 ? 1024 : 256;  // pixels
    LACUNA_CHECK(r.box[d] >= 1 && r.box[d] <= most, "tensor_map", "a box has 1 to ", most,
                 " elements of dimension ", d, ": got ", r.box[d]);
    if (d > 0)
      LACUNA_CHECK(
          r.strides[d] > 0 && r.strides[d] % 16 == 0 && r.strides[d] < std::int64_t{1} << 40,
          "tensor_map", "strides are multiples of 16 bytes below 2^40: got ", r.strides[d],
          " for dimension ", d);
  }
  LACUNA_CHECK(!r.im2col || (r.rank == 4 && r.box[2] == 1 && r.box[3] == 1), "tensor_map",
               "pixels are of images with 4 dimensions: got ", r.rank);
  for (int axis = 0; axis < 2 && r.im2col; axis++)
    LACUNA_CHECK(r.lower[axis] >= -128 && r.lower[axis] <= 127 && r.upper[axis] >= -128 &&
                     r.upper[axis] <= 127 && r.step[axis] >= 1 && r.step[axis] <= 8 &&
                     r.lower[axis] < r.shape[1 + axis] + r.upper[axis],
                 "tensor_map", "bases go from -128 .. 127 on by 1 to 8, at least one: got ",
                 r.lower[axis], " to ", r.shape[1 + axis] - 1 + r.upper[axis], " by ",
                 r.step[axis]);
  const std::int64_t line = r.box[0] * element;
  LACUNA_CHECK(line % 16 == 0, "tensor_map", "lines of a box are multiples of 16 bytes: got ",
               line);
  LACUNA_CHECK(r.swizzle == Swizzle::none || line <= span(r.swizzle), "tensor_map",
               "lines of a swizzled box have at most ", span(r.swizzle), " bytes: got ", line);
}

}  // namespace lacuna::LACUNA_NS
