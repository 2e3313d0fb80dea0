#include "core_kernels.h"

#include <device/launch.cuh>
#include <device/reduce.cuh>
#include <device/shared.cuh>
#include <device/vec.cuh>

namespace lacuna::LACUNA_NS::core {
namespace {

__device__ int linear() { return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); }

__global__ void block_votes_kernel(int* out) {
  const int i = static_cast<int>(threadIdx.x), n = static_cast<int>(blockDim.x);
  for (int v = 0; v < 3; v++) {
    const int count = __syncthreads_count(i % 3 == v);
    if (i % 3 == v) out[i] = count;
  }
  out[n + i] = __syncthreads_or(i == 5);
  out[2 * n + i] = __syncthreads_and(i == 5);
}

__global__ void shuffles_kernel(int* out, int width) {
  const int i = static_cast<int>(threadIdx.x), n = static_cast<int>(blockDim.x), v = 10 * (i % 32);
  out[i] = __shfl_sync(kAllLanes, v, 3, width);
  out[n + i] = __shfl_up_sync(kAllLanes, v, 2, width);
  out[2 * n + i] = __shfl_down_sync(kAllLanes, v, 2, width);
  out[3 * n + i] = __shfl_xor_sync(kAllLanes, v, 1, width);
}

__global__ void half_warp_votes_kernel(unsigned* out) {
  const unsigned lane = threadIdx.x;
  unsigned ballot;
  int any, all;
  if (lane < 16) {
    ballot = __ballot_sync(0x0000ffffu, lane % 2);
    any = __any_sync(0x0000ffffu, lane == 3);
    all = __all_sync(0x0000ffffu, lane < 16);
  } else {
    ballot = __ballot_sync(0xffff0000u, lane % 2);
    any = __any_sync(0xffff0000u, lane == 3);
    all = __all_sync(0xffff0000u, lane < 31);
  }
  out[3 * lane] = ballot;
  out[3 * lane + 1] = static_cast<unsigned>(any);
  out[3 * lane + 2] = static_cast<unsigned>(all);
}

__global__ void atomics_kernel(unsigned long long* sum, float* total, unsigned* max, int* tickets) {
  const int i = linear();
  atomicAdd(sum, static_cast<unsigned long long>(i));
  atomicAdd(total, 0.5f);
  atomicMax(max, static_cast<unsigned>(i * 7 % 256));
  int seen = atomicCAS(tickets, 0, 1);  // once: the first takes the ticket
  if (seen == 0) atomicAdd(tickets + 1, 1);
}

__global__ void arrival_order_kernel(int* order, int* next) {
  order[atomicAdd(next, 1)] = linear();
}

__global__ void read_unwritten_shared_kernel(float* out, int n) {
  LACUNA_SHARED(float, fixed, [32]);
  float* const dynamic = dynamic_shared<float>();
  const int i = static_cast<int>(threadIdx.x);
  out[i] = fixed[i];
  out[n + i] = dynamic[i];
  __syncthreads();
  fixed[i] = dynamic[i] = 0.0f;
}

__global__ void one_thread_fails_kernel(const float* x, int bad) {
  float v[4];
  if (static_cast<int>(threadIdx.x) == bad) load_vec(v, x + 1, 0, 4, 0.0f);
  __syncthreads();
}

__global__ void mismatched_masks_kernel(int* out) {
  const int lane = static_cast<int>(threadIdx.x);
  out[lane] = __shfl_xor_sync(lane < 16 ? kAllLanes : 0xffff0000u, lane, 1);
}

__global__ void lane_not_in_its_mask_kernel() { __syncwarp(0x7fffffffu); }

__global__ void exited_lane_kernel() {
  if (threadIdx.x == 7) return;
  __syncwarp();
}

__global__ void barrier_kernel() { __syncthreads(); }

__global__ void write_past_shared_kernel(bool dynamic) {
  LACUNA_SHARED(int, fixed, [8]);
  int* const d = dynamic_shared<int>();
  int* const target = dynamic ? d : fixed;
  for (int i = 0; i <= 8; i++) target[i] = i;
}

__global__ void wait_for_flag_kernel(int* flag) {
  if (threadIdx.x == 0) {
    __threadfence_block();
    atomicExch(flag, 1);
  } else {
    while (atomicAdd(flag, 0) == 0) __nanosleep(20);
  }
}

__global__ void barriers_kernel(int* out, int rounds) {
  for (int r = 0; r < rounds; r++) __syncthreads();
  if (threadIdx.x == 0) out[blockIdx.x] = rounds;
}

__global__ void warp_sums_kernel(float* out, int rounds) {
  float v = static_cast<float>(threadIdx.x);
  for (int r = 0; r < rounds; r++) v = warp_reduce<Sum>(v) / kWarp;
  out[linear()] = v;
}

__global__ void three_dimensions_kernel(unsigned long long* out) {
  const unsigned long long block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned long long thread =
      threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  out[0] = gridDim.x * gridDim.y * gridDim.z;
  out[1] = blockDim.x * blockDim.y * blockDim.z;
  atomicAdd(out + 2, block * out[1] + thread);
}

}  // namespace

void block_votes(int* out, int threads) { launch({.block = threads}, block_votes_kernel, out); }
void shuffles(int* out, int threads, int width) {
  launch({.block = threads}, shuffles_kernel, out, width);
}
void half_warp_votes(unsigned* out) { launch({.block = 32}, half_warp_votes_kernel, out); }
void atomics(std::int64_t* sum, float* total, unsigned* max, int* tickets) {
  launch({.grid = 4, .block = 64, .barriers = false}, atomics_kernel,
         reinterpret_cast<unsigned long long*>(sum), total, max, tickets);
}
void arrival_order(int* order, int* next, int blocks, int threads, bool barriers) {
  launch({.grid = blocks, .block = threads, .barriers = barriers}, arrival_order_kernel, order,
         next);
}
void read_unwritten_shared(float* out, int n) {
  launch({.grid = 3, .block = n, .shared_bytes = n * sizeof(float)}, read_unwritten_shared_kernel,
         out, n);
}
void one_thread_fails(const float* x, int threads, int bad) {
  launch({.grid = 2, .block = {threads / 2, 2}}, one_thread_fails_kernel, x, bad);
}
void mismatched_masks(int* out) { launch({.block = 32}, mismatched_masks_kernel, out); }
void lane_not_in_its_mask() { launch({.block = 32}, lane_not_in_its_mask_kernel); }
void exited_lane() { launch({.block = 32}, exited_lane_kernel); }
void barrier_in_plain_kernel() { launch({.block = 2, .barriers = false}, barrier_kernel); }
void write_past_shared(bool dynamic) {
  launch({.shared_bytes = 32}, write_past_shared_kernel, dynamic);
}
void wait_for_flag(int* flag) { launch({.block = 2}, wait_for_flag_kernel, flag); }
void barriers(int* out, int blocks, int threads, int rounds) {
  launch({.grid = blocks, .block = threads}, barriers_kernel, out, rounds);
}
void warp_sums(float* out, int blocks, int threads, int rounds) {
  launch({.grid = blocks, .block = threads}, warp_sums_kernel, out, rounds);
}
void three_dimensions(std::int64_t* out) {
  launch({.grid = {2, 3, 4}, .block = {5, 3, 2}, .barriers = false}, three_dimensions_kernel,
         reinterpret_cast<unsigned long long*>(out));
}
void launch_block(int threads) { launch({.block = threads}, barrier_kernel); }
void launch_shared(std::int64_t bytes) {
  launch({.block = 1, .shared_bytes = static_cast<std::size_t>(bytes)}, barrier_kernel);
}
void launch_blocks(std::int64_t blocks) { launch({.grid = blocks}, barrier_kernel); }

}  // namespace lacuna::LACUNA_NS::core
