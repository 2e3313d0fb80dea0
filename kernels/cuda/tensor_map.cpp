// Encodes tensor maps by the driver, which is asked for its entry point and never linked.
#include <cuda.h>
#include <cuda_runtime_api.h>

#include "check.h"
#include "device/tensor_map.cuh"

namespace lacuna::cuda {
namespace {

CUtensorMapDataType type_of(Dtype t) {
  switch (t) {
    case Dtype::f32:
      return CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
    case Dtype::bf16:
      return CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
    case Dtype::f64:
      return CU_TENSOR_MAP_DATA_TYPE_FLOAT64;
    case Dtype::i32:
      return CU_TENSOR_MAP_DATA_TYPE_INT32;
    case Dtype::i64:
      return CU_TENSOR_MAP_DATA_TYPE_INT64;
    case Dtype::u8:
    case Dtype::boolean:
      break;
  }
  return CU_TENSOR_MAP_DATA_TYPE_UINT8;
}

CUtensorMapSwizzle swizzle_of(Swizzle s) {
  switch (s) {
    case Swizzle::b32:
      return CU_TENSOR_MAP_SWIZZLE_32B;
    case Swizzle::b64:
      return CU_TENSOR_MAP_SWIZZLE_64B;
    case Swizzle::b128:
      return CU_TENSOR_MAP_SWIZZLE_128B;
    case Swizzle::none:
      break;
  }
  return CU_TENSOR_MAP_SWIZZLE_NONE;
}

template <class Function>
Function* driver_function(const char* name) {
  void* entry = nullptr;
  cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
  check(cudaGetDriverEntryPointByVersion(name, &entry, 12000, cudaEnableDefault, &found),
        "tensor_map");
  LACUNA_CHECK(found == cudaDriverEntryPointSuccess && entry, "tensor_map", "the driver has no ",
               name, ": it is older than CUDA 12");
  return reinterpret_cast<Function*>(entry);
}

}  // namespace

CUtensorMap encode(const TensorRegion& r) {
  check_region(r);
  cuuint64_t shape[kMaxRegionDims], strides[kMaxRegionDims];
  cuuint32_t box[kMaxRegionDims], steps[kMaxRegionDims];
  for (int d = 0; d < r.rank; d++) {
    shape[d] = static_cast<cuuint64_t>(r.shape[d]);
    box[d] = static_cast<cuuint32_t>(r.box[d]);
    steps[d] = r.im2col && (d == 1 || d == 2) ? static_cast<cuuint32_t>(r.step[d - 1]) : 1;
    if (d > 0) strides[d - 1] = static_cast<cuuint64_t>(r.strides[d]);
  }
  const auto rank = static_cast<cuuint32_t>(r.rank);
  const auto swizzle = swizzle_of(r.swizzle);
  constexpr auto kPlain = CU_TENSOR_MAP_INTERLEAVE_NONE;
  constexpr auto kPromotion = CU_TENSOR_MAP_L2_PROMOTION_L2_256B;
  constexpr auto kZeros = CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE;
  CUtensorMap map;
  CUresult result;
  if (r.im2col) {
    static const auto im2col =
        driver_function<decltype(cuTensorMapEncodeIm2col)>("cuTensorMapEncodeIm2col");
    result = im2col(&map, type_of(r.dtype), rank, r.data, shape, strides, r.lower, r.upper, box[0],
                    box[1], steps, kPlain, swizzle, kPromotion, kZeros);
  } else {
    static const auto tiled =
        driver_function<decltype(cuTensorMapEncodeTiled)>("cuTensorMapEncodeTiled");
    result = tiled(&map, type_of(r.dtype), rank, r.data, shape, strides, box, steps, kPlain,
                   swizzle, kPromotion, kZeros);
  }
  LACUNA_CHECK(result == CUDA_SUCCESS, "tensor_map", "the driver refused: error ",
               static_cast<int>(result));
  return map;
}

}  // namespace lacuna::cuda
