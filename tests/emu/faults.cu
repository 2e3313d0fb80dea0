// The seeded faults that emu must catch, or it is not worth its cost: a guard off by one, a missing barrier, a
// divergent barrier.
#include "faults.h"

#include <device/async.cuh>
#include <device/launch.cuh>
#include <device/shared.cuh>

namespace lacuna::LACUNA_NS::faults {
namespace {

__global__ void scale_kernel(float* y, const float* x, std::int64_t n, bool fault) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (fault ? i <= n : i < n) y[i] = i < n ? 2.0f * x[i] : 0.0f;
}

__global__ void reverse_kernel(float* y, const float* x, int n, bool fault) {
  LACUNA_SHARED(float, row, [1024]);
  const int i = static_cast<int>(threadIdx.x);
  row[i] = x[i];
  if (!fault) __syncthreads();
  y[i] = row[n - 1 - i];
}

__global__ void tree_sum_kernel(float* y, const float* x, int n, bool fault) {
  float* const part = dynamic_shared<float>();
  const int i = static_cast<int>(threadIdx.x);
  part[i] = x[i];
  __syncthreads();
  for (int half = n / 2; half > 0; half /= 2) {
    if (i < half) part[i] += part[i + half];
    if (!fault) __syncthreads();
  }
  if (i == 0) *y = part[0];
}

__global__ void block_mean_kernel(float* y, const float* x, int n, bool fault) {
  LACUNA_SHARED(float, row, [32]);
  const int lane = static_cast<int>(threadIdx.x), i = static_cast<int>(blockIdx.x) * 32 + lane;
  if (fault && i >= n) return;
  row[lane] = i < n ? x[i] : 0.0f;
  __syncthreads();
  if (i >= n) return;
  float sum = 0;
  for (int k = 0; k < 32; k++) sum += row[k];
  y[i] = sum / 32;
}

__global__ void two_barriers_kernel(float* y, bool fault) {
  LACUNA_SHARED(float, row, [64]);
  const int i = static_cast<int>(threadIdx.x);
  row[i] = static_cast<float>(i);
  if (fault && i < 32) {
    __syncthreads();
    y[i] = row[63 - i];
  } else {
    __syncthreads();
    y[i] = row[63 - i];
  }
}

__global__ void async_copy_kernel(float* y, const float* x, int n, bool fault) {
  float* const row = dynamic_shared<float>();
  const int i = static_cast<int>(threadIdx.x) * 4;
  AsyncCopies copies;
  copies.copy16(row + i, x + i, i < n ? (n - i < 4 ? n - i : 4) * 4 : 0);
  if (!fault) copies.wait();
  __syncthreads();
  for (int k = i; k < i + 4; k++) y[k] = row[k];
}

}  // namespace

void scale(float* y, const float* x, std::int64_t n, bool fault) {
  launch({.grid = n / 32 + 1, .block = 32, .barriers = false}, scale_kernel, y, x, n, fault);
}
void reverse(float* y, const float* x, int n, bool fault) {
  launch({.block = n}, reverse_kernel, y, x, n, fault);
}
void tree_sum(float* y, const float* x, int n, bool fault) {
  launch({.block = n, .shared_bytes = n * sizeof(float)}, tree_sum_kernel, y, x, n, fault);
}
void block_mean(float* y, const float* x, int n, bool fault) {
  launch({.grid = (n + 31) / 32, .block = 32}, block_mean_kernel, y, x, n, fault);
}
void two_barriers(float* y, bool fault) { launch({.block = 64}, two_barriers_kernel, y, fault); }
void async_copy(float* y, const float* x, int n, bool fault) {
  launch({.block = 32, .shared_bytes = 128 * sizeof(float)}, async_copy_kernel, y, x, n, fault);
}

}  // namespace lacuna::LACUNA_NS::faults
