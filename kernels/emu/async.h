#pragma once
// Asynchronous work of a block: mbarriers, tensor copies, products of warpgroups. What device/{mbarrier,tma,wgmma}.cuh are
// made of. All of it happens as late as it may: copies to shared memory when every thread waits, stores and products when
// their wait is called. Until then the places they will write are NaN.
#include <cstdint>
#include <device/tensor_map.cuh>

#include "engine.h"

namespace lacuna::emu::detail {

/// Of p in the block's 32-bit window.
std::uint32_t shared_address(const void* p);

/// All 128 threads of a warpgroup meet; the last to come calls work() with each one's argument, while the others wait.
void warpgroup_collective(const char* what, Site at, void* argument,
                          void (*work)(void* const* threads));
/// bar.sync, and bar.arrive, which does not wait.
void named_barrier(const char* what, Site at, int id, int threads, bool wait);

// The 64 bits of an mbarrier: see mbarrier.cpp.
void mbarrier_init(std::uint64_t& bits, int count, Site at);
void mbarrier_init_fence(Site at);
void mbarrier_arrive(std::uint64_t& bits, int expected_bytes, Site at);
/// Waits for the end of the phase of this parity. With `limited` it also returns, false, when nothing else can go on.
bool mbarrier_wait(std::uint64_t& bits, unsigned parity, bool limited, Site at);

void fence_async_proxy(Site at);

struct BoxCopy {
  TensorRegion region;
  int at[kMaxRegionDims];
  int tap[2] = {};  // of an im2col region
};
void load_box(void* to, const BoxCopy& copy, std::uint64_t& barrier, Site at);
void store_box(const void* from, const BoxCopy& copy, Site at);
void commit_stores(Site at);
void wait_stores(int pending, bool only_read, Site at);

/// An operand's and the sums' shape: N columns, and where A and B come from.
struct ProductShape {
  int n;
  bool a_in_registers;
  Major a, b;
};
/// What a thread brings.
struct ProductThread {
  ProductShape shape;
  float* d;
  const std::uint32_t* a_registers;
  std::uint64_t a, b;
  bool accumulate;
};
void product(const ProductThread& mine, Site at);
void product_fence(Site at);
void product_commit(Site at);
void product_wait(int pending, Site at);

}  // namespace lacuna::emu::detail
