#pragma once
// Element types and the macro for functions that the host and every device share.
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#define LACUNA_HD __host__ __device__
#else
#define LACUNA_HD
#endif

namespace lacuna {

enum class Dtype : std::uint8_t { f32, bf16, f64, i32, i64, u8, boolean };

/// Bytes of one element.
constexpr std::size_t size_of(Dtype t) {
  switch (t) {
    case Dtype::f64:
    case Dtype::i64:
      return 8;
    case Dtype::f32:
    case Dtype::i32:
      return 4;
    case Dtype::bf16:
      return 2;
    case Dtype::u8:
    case Dtype::boolean:
      return 1;
  }
  return 0;
}

constexpr const char* name_of(Dtype t) {
  switch (t) {
    case Dtype::f32:
      return "f32";
    case Dtype::bf16:
      return "bf16";
    case Dtype::f64:
      return "f64";
    case Dtype::i32:
      return "i32";
    case Dtype::i64:
      return "i64";
    case Dtype::u8:
      return "u8";
    case Dtype::boolean:
      return "bool";
  }
  return "?";
}

constexpr bool is_floating(Dtype t) {
  return t == Dtype::f32 || t == Dtype::bf16 || t == Dtype::f64;
}

/// Of parameters, statistics and losses beside activations of type t: norms keep theirs in f32 where those are bf16.
constexpr Dtype statistics_dtype(Dtype t) { return t == Dtype::bf16 ? Dtype::f32 : t; }

/// bfloat16: the upper half of an f32. Conversion rounds to nearest, ties to even; NaN stays NaN.
struct bf16 {
  std::uint16_t bits;  // no initial value: shared memory on a GPU takes trivial types only
  bf16() = default;
  LACUNA_HD explicit bf16(float value) {
    std::uint32_t u;
    memcpy(&u, &value, 4);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    bits = static_cast<std::uint16_t>(nan ? (u >> 16) | 0x40u
                                          : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
  LACUNA_HD explicit operator float() const {
    const std::uint32_t u = static_cast<std::uint32_t>(bits) << 16;
    float value;
    memcpy(&value, &u, 4);
    return value;
  }
};

template <class T>
inline constexpr Dtype dtype_of = Dtype::f32;
template <>
inline constexpr Dtype dtype_of<bf16> = Dtype::bf16;
template <>
inline constexpr Dtype dtype_of<double> = Dtype::f64;
template <>
inline constexpr Dtype dtype_of<std::int32_t> = Dtype::i32;
template <>
inline constexpr Dtype dtype_of<std::int64_t> = Dtype::i64;
template <>
inline constexpr Dtype dtype_of<std::uint8_t> = Dtype::u8;
template <>
inline constexpr Dtype dtype_of<bool> = Dtype::boolean;

/// Calls f with a value of the element type: dispatch_float(dtype, [&](auto zero) { using T =
/// decltype(zero); ... }). Returns false where the dtype is not one of those listed.
template <class F>
bool dispatch_float(Dtype t, F&& f) {
  switch (t) {
    case Dtype::f32:
      f(float{});
      return true;
    case Dtype::f64:
      f(double{});
      return true;
    default:
      return false;
  }
}

/// The same for every dtype, on devices, too.
template <class F>
constexpr bool dispatch_all(Dtype t, F&& f) {
  switch (t) {
    case Dtype::f32:
      f(float{});
      return true;
    case Dtype::f64:
      f(double{});
      return true;
    case Dtype::bf16:
      f(bf16{});
      return true;
    case Dtype::i32:
      f(std::int32_t{});
      return true;
    case Dtype::i64:
      f(std::int64_t{});
      return true;
    case Dtype::u8:
      f(std::uint8_t{});
      return true;
    case Dtype::boolean:
      f(bool{});
      return true;
  }
  return false;
}

}  // namespace lacuna
