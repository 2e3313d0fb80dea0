#pragma once
// Mean and sum of squares about it, of parts that are then joined (Chan, Golub, LeVeque 1979).
#include <device/intrinsics.cuh>

namespace lacuna::LACUNA_NS {

struct Moments {
  float mean = 0.0f, centred = 0.0f, count = 0.0f;
  __device__ void join(float other_mean, float other_centred, float other_count) {
    if (other_count == 0.0f) return;
    const float total = count + other_count, share = other_count / total;
    const float difference = other_mean - mean;
    mean += difference * share;
    centred += other_centred + difference * difference * count * share;
    count = total;
  }
};

/// The sum of term(i) over i < n, four sums at a time so that none waits for itself.
template <class F>
__device__ __forceinline__ float sum_of(int n, F term) {
  float sum[4] = {};
  int i = 0;
  LACUNA_NO_UNROLL
  for (; i + 4 <= n; i += 4) {
    LACUNA_UNROLL
    for (int s = 0; s < 4; s++) sum[s] += term(i + s);
  }
  for (; i < n; i++) sum[0] += term(i);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/// Of n values that `value(i)` reads twice.
template <class F>
__device__ __forceinline__ Moments moments_of(int n, F value) {
  Moments m;
  if (n <= 0) return m;
  m.count = static_cast<float>(n);
  m.mean = sum_of(n, value) / m.count;
  m.centred = sum_of(n, [&](int i) { return (value(i) - m.mean) * (value(i) - m.mean); });
  return m;
}

}  // namespace lacuna::LACUNA_NS
