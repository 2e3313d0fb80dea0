#pragma once
// Kernels that show one behaviour of the emulator each; core_kernels.cu has them.
#include <cstdint>

namespace lacuna::emu::core {

/// out[thread] = how many of the block's threads have value v (of thread % 3 == v), through __syncthreads_count; then
/// _or and _and of (thread == 5).
void block_votes(int* out, int threads);
/// Four kinds of shuffle of 10 * lane, each `threads` long in out.
void shuffles(int* out, int threads, int width);
/// out[3 * lane ..] = ballot, any, all of (lane % 2) within lanes of the same half-warp.
void half_warp_votes(unsigned* out);
/// Adds, maximum, exchange and compare-and-swap by every thread of a grid of 4 blocks of 64.
void atomics(std::int64_t* sum, float* total, unsigned* max, int* tickets);
/// order[k] = the number of the thread (over the grid) that came k-th; *next starts at 0.
void arrival_order(int* order, int* next, int blocks, int threads, bool barriers);
/// out[0..n) = a static shared array as found, out[n..2n) = a dynamic one, where a first block wrote zeros to both.
void read_unwritten_shared(float* out, int n);
/// Thread `bad` throws by a misaligned vector load while the others wait at a barrier.
void one_thread_fails(const float* x, int threads, int bad);
/// Lanes below 16 wait for all 32, the others wait for the upper half only: the lower never meet them.
void mismatched_masks(int* out);
void lane_not_in_its_mask();
void exited_lane();
void barrier_in_plain_kernel();
void write_past_shared(bool dynamic);
/// Thread 0 raises a flag that thread 1 waits for.
void wait_for_flag(int* flag);
/// `rounds` barriers in every thread.
void barriers(int* out, int blocks, int threads, int rounds);
void warp_sums(float* out, int blocks, int threads, int rounds);
/// out = (grid size, block size, sum of all global indices).
void three_dimensions(std::int64_t* out);
void launch_block(int threads);
void launch_shared(std::int64_t bytes);
void launch_blocks(std::int64_t blocks);

}  // namespace lacuna::emu::core
