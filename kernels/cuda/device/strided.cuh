#pragma once
// Arrays of one shape and any strides, in vectors of N elements along the innermost dimension; and how the threads of
// a grid share the vectors out.
#include <device/vec.cuh>

#include "../../strided.h"

namespace lacuna::LACUNA_NS {

/// i / d for 0 <= i < 2^62 by a multiplication (Granlund, Montgomery 1994): (i + floor(i m / 2^64)) >> s with
/// s = ceil(log2 d), m = floor(2^64 (2^s - d) / d) + 1.
struct Divisor {
  std::uint64_t multiplier = 1;
  int shift = 0;
  Divisor() = default;
  explicit Divisor(std::uint64_t d) {
    while ((std::uint64_t{1} << shift) < d) shift++;
    const auto rest = static_cast<unsigned __int128>((std::uint64_t{1} << shift) - d);
    multiplier = static_cast<std::uint64_t>((rest << 64) / d + 1);
  }
  __device__ std::int64_t divide(std::int64_t i) const {
    const auto product = static_cast<unsigned __int128>(i) * multiplier;
    return static_cast<std::int64_t>(
        (static_cast<std::uint64_t>(i) + static_cast<std::uint64_t>(product >> 64)) >> shift);
  }
};

/// Places of vector i in K arrays. Only where all is one dimension may the last vector be a part of one; there
/// size - i * N elements of it are there.
template <int K>
struct Vectors {
  std::int64_t size = 1, count = 0;  // elements, vectors
  std::int64_t sizes[kMaxDims] = {}, strides[K][kMaxDims] = {};
  Divisor divisors[kMaxDims];
  int ndim = 0;

  Vectors(const Walk<K>& walk, int n) {
    for (int d = 0; d < walk.ndim; d++) {
      add(walk.shape[d]);
      for (int k = 0; k < K; k++) strides[k][d] = walk.strides[k][d];
    }
    add(ceil_div(walk.inner, n));
    for (int k = 0; k < K; k++) strides[k][ndim - 1] = n * walk.inner_strides[k];
    size = walk.outer * walk.inner;
    count = walk.outer * ceil_div(walk.inner, n);
  }

  /// Array k has one element for all of a vector.
  LACUNA_HD bool repeated(int k) const { return strides[k][ndim - 1] == 0; }

  __device__ __forceinline__ void offsets(std::int64_t i, std::int64_t (&at)[K]) const {
    LACUNA_UNROLL
    for (int k = 0; k < K; k++) at[k] = 0;
    for (int d = ndim - 1; d > 0; d--) {
      const std::int64_t quotient = divisors[d].divide(i);
      const std::int64_t rest = i - quotient * sizes[d];
      LACUNA_UNROLL
      for (int k = 0; k < K; k++) at[k] += rest * strides[k][d];
      i = quotient;
    }
    LACUNA_UNROLL
    for (int k = 0; k < K; k++) at[k] += i * strides[k][0];
  }

 private:
  void add(std::int64_t n) {
    sizes[ndim] = n;
    if (n > 0) divisors[ndim] = Divisor(static_cast<std::uint64_t>(n));
    ndim++;
  }
};

/// True where every array has its elements side by side along the inner dimension (or, but for the first, which is
/// written, one for all of it), and vectors of n elements are aligned.
template <int K>
bool vectors_fit(const Walk<K>& walk, const Array* const (&arrays)[K], int n) {
  if (walk.ndim > 0 && walk.inner % n != 0) return false;
  for (int k = 0; k < K; k++) {
    if (walk.inner_strides[k] == 0 && (k > 0 || walk.inner == 1)) continue;
    if (walk.inner_strides[k] != 1) return false;
    if (reinterpret_cast<std::uintptr_t>(arrays[k]->data) % (n * size_of(arrays[k]->dtype)) != 0)
      return false;
    for (int d = 0; d < walk.ndim; d++)
      if (walk.strides[k][d] % n != 0) return false;
  }
  return true;
}

/// Calls f(std::integral_constant<int, N>, Vectors<K>) with N = kWide where vectors fit (and are `allowed`), else with 1.
template <int kWide, int K, class F>
void with_vectors(const Array* const (&arrays)[K], F&& f, bool allowed = true) {
  const Walk<K> walk(arrays);
  if (allowed && vectors_fit(walk, arrays, kWide))
    f(std::integral_constant<int, kWide>{}, Vectors<K>(walk, kWide));
  else
    f(std::integral_constant<int, 1>{}, Vectors<K>(walk, 1));
}

/// Calls f(zero of an unsigned type of so many bytes).
template <class F>
void by_size(std::size_t bytes, F&& f) {
  switch (bytes) {
    case 1:
      return f(std::uint8_t{});
    case 2:
      return f(std::uint16_t{});
    case 4:
      return f(std::uint32_t{});
    default:
      return f(std::uint64_t{});
  }
}

inline constexpr std::int64_t kThreads = 256;  // of a block that shares vectors out

/// Blocks for `count` vectors, U a thread.
template <int U>
std::int64_t blocks_for(std::int64_t count) {
  return ceil_div(count, kThreads * U);
}

/// Of this thread in a one-dimensional grid.
__device__ __forceinline__ std::int64_t thread_number() {
  return std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
}

/// Calls load(u, i) for this thread's U vectors and then store(u, i): U loads are on their way at once.
template <int U, class Load, class Store>
__device__ __forceinline__ void each_vector(std::int64_t count, Load load, Store store) {
  const std::int64_t first = std::int64_t{blockIdx.x} * (kThreads * U) + threadIdx.x;
  LACUNA_UNROLL
  for (int u = 0; u < U; u++)
    if (first + u * kThreads < count) load(u, first + u * kThreads);
  LACUNA_UNROLL
  for (int u = 0; u < U; u++)
    if (first + u * kThreads < count) store(u, first + u * kThreads);
}

/// out = the first `left` elements at p as they are; one for all where they do not lie side by side (repeated).
template <int N, class T>
__device__ __forceinline__ void load_some(Vec<T, N>& out, const T* p, std::int64_t left,
                                          bool repeated = false) {
  if (repeated) {
    const T v = *p;
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) out.v[k] = v;
  } else if (left >= N) {
    check_aligned(p, sizeof(out));
    out = *reinterpret_cast<const Vec<T, N>*>(p);
  } else {
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) out.v[k] = p[k < left ? k : 0];
  }
}

template <int N, class T>
__device__ __forceinline__ void store_some(T* p, std::int64_t left, const Vec<T, N>& in) {
  if (left >= N) {
    check_aligned(p, sizeof(in));
    *reinterpret_cast<Vec<T, N>*>(p) = in;
  } else {
    LACUNA_UNROLL
    for (int k = 0; k < N; k++)
      if (k < left) p[k] = in.v[k];
  }
}

}  // namespace lacuna::LACUNA_NS
