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

/// Elements of one access where a thread takes N: at most 16 bytes.
template <class T, int N>
inline constexpr int kAccess = N * sizeof(T) > 16 ? static_cast<int>(16 / sizeof(T)) : N;

/// out[k] = p[i + k] as f32 (or another type), or `fallback` where i + k >= n. p + i must be aligned to N elements, or
/// to 16 bytes where N are more.
template <int N, class T, class Out>
__device__ __forceinline__ void load_vec(Out (&out)[N], const T* p, std::int64_t i, std::int64_t n,
                                         std::type_identity_t<Out> fallback) {
  constexpr int M = kAccess<T, N>;
  if (i + N <= n) {
    LACUNA_UNROLL
    for (int first = 0; first < N; first += M) {
      check_aligned(p + i + first, sizeof(Vec<T, M>));
      const Vec<T, M> in = *reinterpret_cast<const Vec<T, M>*>(p + i + first);
      LACUNA_UNROLL
      for (int k = 0; k < M; k++) out[first + k] = static_cast<Out>(in.v[k]);
    }
  } else {
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) out[k] = i + k < n ? static_cast<Out>(p[i + k]) : fallback;
  }
}

/// p[i + k] = in[k], rounded to T, where i + k < n. p + i must be aligned as above.
template <int N, class T, class In>
__device__ __forceinline__ void store_vec(T* p, std::int64_t i, std::int64_t n, const In (&in)[N]) {
  constexpr int M = kAccess<T, N>;
  if (i + N <= n) {
    LACUNA_UNROLL
    for (int first = 0; first < N; first += M) {
      check_aligned(p + i + first, sizeof(Vec<T, M>));
      Vec<T, M> out;
      LACUNA_UNROLL
      for (int k = 0; k < M; k++) out.v[k] = T(in[first + k]);
      *reinterpret_cast<Vec<T, M>*>(p + i + first) = out;
    }
  } else {
    LACUNA_UNROLL
    for (int k = 0; k < N; k++)
      if (i + k < n) p[i + k] = T(in[k]);
  }
}

/// The same of an optional array: `absent` where there is no p.
template <int N, class T>
__device__ __forceinline__ void load_parameter(float (&out)[N], const T* p, std::int64_t i,
                                               std::int64_t n, float absent) {
  if (p) return load_vec(out, p, i, n, 0.0f);
  LACUNA_UNROLL
  for (int k = 0; k < N; k++) out[k] = absent;
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
