#pragma once
// bf16 fragments of tensor cores (PTX ISA, ldmatrix and cvt).
#include <device/intrinsics.cuh>

namespace lacuna::cuda {

/// Four transposed 8 x 8 matrices of bf16 in shared memory: lane 8q + i points to row i of matrix q, 16 bytes and aligned
/// so. With g = lane / 4 and t = lane % 4, r[q] is elements (2t, g) and (2t + 1, g) of matrix q.
__device__ __forceinline__ void ldmatrix_x4_trans(std::uint32_t (&r)[4], const void* row) {
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

/// Rounded to nearest, ties to even; `low` in the lower half.
__device__ __forceinline__ std::uint32_t pack_bf16(float low, float high) {
  std::uint32_t bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
}

}  // namespace lacuna::cuda
