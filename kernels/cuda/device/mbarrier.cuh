#pragma once
// Barriers in shared memory that count arrivals and bytes (PTX ISA, "mbarrier"). A phase ends when `count` arrivals and all
// expected bytes have come; the next one, of the other parity, begins at once with the same count. Phases have parity
// 0, 1, 0, ... from init on.
#include <device/warpgroup.cuh>

namespace lacuna::cuda {

/// LACUNA_SHARED(Mbarrier, full, [kStages]);
struct Mbarrier {
  std::uint64_t bits;

  /// By one thread, before anybody uses it: then mbarrier_init_fence() and a barrier of the block.
  __device__ __forceinline__ void init(int count) {
    LACUNA_SM90A("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(&bits)), "r"(count)
                 : "memory");
  }
  /// What the thread did before is seen by those whose wait() this arrival ends.
  __device__ __forceinline__ void arrive() {
    LACUNA_SM90A("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(&bits))
                 : "memory");
  }
  /// The phase also waits for `bytes` more (below 2^20) of tensor copies.
  __device__ __forceinline__ void arrive_expect(int bytes) {
    LACUNA_SM90A(
        "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(&bits)),
        "r"(bytes)
        : "memory");
  }
  /// Has the phase of this parity ended? False while it lasts, perhaps after a pause. True for 1 before the first has ended.
  __device__ __forceinline__ bool try_wait(unsigned parity) {
    std::uint32_t ended = 1;
    LACUNA_SM90A(
        "{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n}"
        : "=r"(ended)
        : "r"(shared_address(&bits)), "r"(parity)
        : "memory");
    return ended != 0;
  }
  /// A thread that is more than a phase late waits for the wrong one: the caller keeps count.
  __device__ __forceinline__ void wait(unsigned parity) {
    while (!try_wait(parity)) {
    }
  }
};

/// Behind this thread's init(), for tensor copies that will use the barriers.
__device__ __forceinline__ void mbarrier_init_fence() {
  LACUNA_SM90A("fence.mbarrier_init.release.cluster;" ::: "memory");
}

}  // namespace lacuna::cuda
