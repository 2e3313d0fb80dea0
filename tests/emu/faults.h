#pragma once
// Kernels with a fault each, and the same kernels without it. faults.cu has them.
#include <cstdint>

namespace lacuna::emu::faults {

/// y[i] = 2 x[i]; with the fault also at i = n.
void scale(float* y, const float* x, std::int64_t n, bool fault);
/// y = x in reverse order, n <= 1024, through shared memory; with the fault its barrier is missing.
void reverse(float* y, const float* x, int n, bool fault);
/// *y = sum of x by halving in shared memory, n a power of two <= 1024; with the fault there is no barrier between steps.
void tree_sum(float* y, const float* x, int n, bool fault);
/// y[i] = mean of x over i's block of 32; with the fault, threads past n leave before the barrier.
void block_mean(float* y, const float* x, int n, bool fault);
/// One barrier for each branch of an if: even when all threads reach one, they do not reach the same.
void two_barriers(float* y, bool fault);
/// y = the first n elements of x, then zeros, 128 in all, through asynchronous copies; with the fault nobody waits for them.
void async_copy(float* y, const float* x, int n, bool fault);

}  // namespace lacuna::emu::faults
