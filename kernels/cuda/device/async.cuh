#pragma once
// Copies from global to shared memory that a thread starts and waits for later (PTX ISA, cp.async). What was copied may be
// read by the thread after its wait, and by the others after a barrier behind that.
#include <device/intrinsics.cuh>

namespace lacuna::cuda {

struct AsyncCopies {
  /// 16 aligned bytes: the first `bytes` (0 to 16) from global memory, then zeros.
  __device__ __forceinline__ void copy16(void* to, const void* from, int bytes) {
    const auto address = static_cast<unsigned>(__cvta_generic_to_shared(to));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from),
                 "r"(bytes)
                 : "memory");
  }
  /// 4 aligned bytes, or zeros where `bytes` is 0.
  __device__ __forceinline__ void copy4(void* to, const void* from, int bytes) {
    const auto address = static_cast<unsigned>(__cvta_generic_to_shared(to));
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(address), "l"(from),
                 "r"(bytes)
                 : "memory");
  }
  /// Ends a group: the copies started since the last one.
  __device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
  /// For all groups of this thread but the newest kPending.
  template <int kPending>
  __device__ __forceinline__ void wait_but() {
    asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
  }
  /// For all copies that this thread started.
  __device__ __forceinline__ void wait() { asm volatile("cp.async.wait_all;" ::: "memory"); }
};

}  // namespace lacuna::cuda
