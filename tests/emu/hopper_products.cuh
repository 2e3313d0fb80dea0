#pragma once
// One product of a warpgroup from given bytes of shared memory, with a fault to choose when it is compiled.
#include <device/launch.cuh>
#include <device/shared.cuh>
#include <device/wgmma.cuh>

#include "hopper_kernels.h"

namespace lacuna::LACUNA_NS::hopper {

template <int N, Major kA, Major kB, bool kRegisters, Fault kFault>
__global__ void __launch_bounds__(128) products_kernel(float* out, ProductCase c) {
  auto* const room = dynamic_shared<unsigned char>();
  const int me = static_cast<int>(threadIdx.x);
  unsigned char* const b_room = room + (c.a.size + 1023) / 1024 * 1024;
  for (int i = me; i < c.a.size; i += 128)
    room[i] = static_cast<const unsigned char*>(c.a.bytes)[i];
  for (int i = me; i < c.b.size; i += 128)
    b_room[i] = static_cast<const unsigned char*>(c.b.bytes)[i];
  if constexpr (kFault != Fault::no_proxy_fence) fence_async_proxy();
  __syncthreads();

  const auto swizzle = static_cast<Swizzle>(c.swizzle);
  const std::uint64_t b =
      matrix_descriptor(shared_address(b_room), c.b.leading, c.b.stride, swizzle);
  [[maybe_unused]] const std::uint64_t a =
      matrix_descriptor(shared_address(room), c.a.leading, c.a.stride, swizzle);
  [[maybe_unused]] const int t = me % 4, row = me / 32 * 16 + me % 32 / 4;
  float d[N / 2] = {};
  const int steps = c.k / 16;
  LACUNA_NO_UNROLL
  for (int i = 0; i < c.rounds * steps; i++) {
    const int s = i % steps;
    [[maybe_unused]] std::uint32_t a_registers[4];
    if constexpr (kRegisters) {
      LACUNA_UNROLL
      for (int r = 0; r < 4; r++)
        memcpy(&a_registers[r], c.a_rows + (row + r % 2 * 8) * c.k + 16 * s + 2 * t + r / 2 * 8, 4);
    }
    if constexpr (kFault != Fault::no_product_fence) wgmma_fence(d);
    if (kFault != Fault::missing_warp || me / 32 != 2) {
      if constexpr (kRegisters)
        wgmma<N, kB>(d, a_registers, advance(b, s * c.b.step), i > 0);
      else
        wgmma<N, kA, kB>(d, advance(a, s * c.a.step), advance(b, s * c.b.step), i > 0);
    }
    if constexpr (kFault == Fault::write_d_early) d[0] = 3;
    if constexpr (kFault != Fault::no_commit) wgmma_commit();
    if constexpr (kFault == Fault::write_shared_early) {
      reinterpret_cast<bf16*>(b_room)[me] = bf16(0.0f);
      fence_async_proxy();
      __syncthreads();
    }
    if constexpr (kFault == Fault::read_early)
      for (int j = 0; j < N / 2; j++) out[me * (N / 2) + j] = d[j];
    if constexpr (kFault != Fault::no_wait) wgmma_wait<0>(d);
  }
  if constexpr (kFault == Fault::read_early) return;
  for (int i = 0; i < N / 2; i++) out[me * (N / 2) + i] = d[i];
}

template <int N, Major kA, Major kB, bool kRegisters = false, Fault kFault = Fault::none>
void run_products(float* d, const ProductCase& c) {
  const std::size_t a_room = (static_cast<std::size_t>(c.a.size) + 1023) / 1024 * 1024;
  launch({.block = 128, .shared_bytes = a_room + static_cast<std::size_t>(c.b.size)},
         products_kernel<N, kA, kB, kRegisters, kFault>, d, c);
}

}  // namespace lacuna::LACUNA_NS::hopper
