#pragma once
// For tests that call one kernel at a time on a device: a device's array beside its f64 twin on cpu.
#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <limits>
#include <string>

#include "../../kernels/emu/engine.h"
#include "../../kernels/random.h"
#include "../../kernels/row_major.h"
#include "device_buffer.h"

namespace lacuna::test {

using Sizes = std::vector<std::int64_t>;

inline std::size_t count(const Sizes& shape) {
  std::size_t n = 1;
  for (const std::int64_t s : shape) n *= static_cast<std::size_t>(s);
  return n;
}

/// n numbers in [low, high).
inline std::vector<float> drawn(std::size_t n, std::uint64_t seed, float low = -2, float high = 2) {
  std::vector<float> v(n);
  for (std::size_t i = 0; i < n; i++)
    v[i] = low + (high - low) * uniform_of(draw_word(RandomKey::of(seed, 5), i, 0));
  return v;
}

/// A T array on a device and the same numbers in f64 (integers: as they are) on cpu. `skip` elements before the first
/// one move it off its alignment.
template <class T>
class Twin {
 public:
  using Wide = std::conditional_t<std::is_integral_v<T>, T, double>;

  template <class V>
  Twin(DeviceType type, const Sizes& shape, const std::vector<V>& values, std::size_t skip = 0)
      : device_{type},
        shape_(shape),
        skip_(skip),
        buffer_(*find_backend(type), rounded(values, skip)) {
    for (const V& v : values) wide_.push_back(widen(T(v)));
  }
  /// An output: nothing in it yet.
  Twin(DeviceType type, const Sizes& shape, std::size_t skip = 0)
      : Twin(type, shape, std::vector<T>(count(shape), T(77)), skip) {}

  /// The device's array, or its twin on cpu.
  Array on(bool device) {
    return device ? row_major(buffer_.data() + skip_, dtype_of<T>, device_, shape_)
                  : row_major(wide_.data(), dtype_of<Wide>, {}, shape_);
  }
  std::vector<T> values() {
    const std::vector<T> all = buffer_.values();
    return {all.begin() + static_cast<std::ptrdiff_t>(skip_), all.end()};
  }
  std::vector<Wide>& wide() { return wide_; }
  bool intact() { return buffer_.bands_intact(); }
  /// The f64 twin takes the device's numbers: for what a later kernel reads.
  void follow() {
    wide_.clear();
    for (const T& v : values()) wide_.push_back(widen(v));
  }

  /// |device - cpu| <= tolerance * max |cpu| + |cpu| * (half a unit of bf16), where a NaN is close to a NaN only.
  void expect_close(const char* what, double tolerance) {
    EXPECT_TRUE(intact()) << what << ": wrote outside its output";
    const std::vector<T> got = values();
    double scale = 0;
    for (const Wide w : wide_)
      if (std::isfinite(static_cast<double>(w)))
        scale = std::max(scale, std::abs(static_cast<double>(w)));
    for (std::size_t i = 0; i < got.size(); i++) {
      const double g = static_cast<double>(widen(got[i])), w = static_cast<double>(wide_[i]);
      if (g == w || (std::isnan(g) && std::isnan(w))) continue;
      const double unit = std::is_same_v<T, bf16> ? 0x1.01p-8 : 0;
      ASSERT_LE(std::abs(g - w), tolerance * scale + unit * std::abs(w))
          << what << '[' << i << "] is " << g << ", not " << w;
    }
  }

 private:
  static Wide widen(T v) {
    if constexpr (std::is_same_v<T, bf16>)
      return static_cast<float>(v);
    else
      return static_cast<Wide>(v);
  }
  template <class V>
  static std::vector<T> rounded(const std::vector<V>& values, std::size_t skip) {
    std::vector<T> out(skip, T(1));
    for (const V& v : values) out.push_back(T(v));
    return out;
  }

  Device device_;
  Sizes shape_;
  std::size_t skip_;
  DeviceBuffer<T> buffer_;
  std::vector<Wide> wide_;
};

/// The same kernel call on the device and, in f64, on cpu: args(true) and args(false).
template <auto Entry, class Args>
void run_both(DeviceType type, Args&& args) {
  run<Entry>(args(true), Device{type});
  run<Entry>(args(false), Device{});
}

/// f() gives the same bytes for several orders of threads.
template <class F>
void expect_same_for_every_order(F&& f) {
  const auto first = f();
  for (std::uint64_t seed = 2; seed <= 5; seed++) {
    emu::set_seed(seed);
    const auto again = f();
    ASSERT_EQ(again.size(), first.size());
    EXPECT_TRUE(first.empty() ||
                std::memcmp(again.data(), first.data(), first.size() * sizeof(first[0])) == 0)
        << "other bits with seed " << seed;
  }
  emu::set_seed(1);
}

}  // namespace lacuna::test
