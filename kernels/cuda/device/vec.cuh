#pragma once
// Loads and stores of several elements at once, with conversion to f32. Tails and alignment live here and nowhere else.
#include <device/intrinsics.cuh>
#include <initializer_list>
#include <type_traits>

namespace lacuna::LACUNA_NS {

template <class T, int N>
struct alignas(sizeof(T) * N) Vec {
  T v[N];
};

/// out[k] = p[i + k] as f32, or `fallback` where i + k >= n. p + i must be aligned to N elements.
template <int N, class T>
__device__ __forceinline__ void load_vec(float (&out)[N], const T* p, std::int64_t i,
                                         std::int64_t n, float fallback) {
  if (i + N <= n) {
    check_aligned(p + i, sizeof(Vec<T, N>));
    const Vec<T, N> in = *reinterpret_cast<const Vec<T, N>*>(p + i);
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) out[k] = static_cast<float>(in.v[k]);
  } else {
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) out[k] = i + k < n ? static_cast<float>(p[i + k]) : fallback;
  }
}

/// p[i + k] = in[k], rounded to T, where i + k < n. p + i must be aligned to N elements.
template <int N, class T>
__device__ __forceinline__ void store_vec(T* p, std::int64_t i, std::int64_t n,
                                          const float (&in)[N]) {
  if (i + N <= n) {
    check_aligned(p + i, sizeof(Vec<T, N>));
    Vec<T, N> out;
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) out.v[k] = T(in[k]);
    *reinterpret_cast<Vec<T, N>*>(p + i) = out;
  } else {
    LACUNA_UNROLL
    for (int k = 0; k < N; k++)
      if (i + k < n) p[i + k] = T(in[k]);
  }
}

/// Calls f(std::integral_constant<int, N>) with the widest N whose vectors are 16 bytes and aligned in every row of
/// `columns` elements at these addresses; with N = 1 where there is none.
template <class T, class F>
void with_vector_width(std::int64_t columns, std::initializer_list<const void*> arrays, F&& f) {
  constexpr int kWide = 16 / sizeof(T);
  bool wide = columns % kWide == 0;
  for (const void* p : arrays) wide = wide && reinterpret_cast<std::uintptr_t>(p) % 16 == 0;
  if (wide)
    f(std::integral_constant<int, kWide>{});
  else
    f(std::integral_constant<int, 1>{});
}

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace lacuna::LACUNA_NS
