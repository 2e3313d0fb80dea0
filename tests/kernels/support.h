#pragma once
// What kernel tests share: guarded buffers, a comparator that a NaN fails, and the ways a kernel is run.
#include <gtest/gtest.h>
#include <hwy/targets.h>
#include <lacuna/kernels/backend.h>
#include <lacuna/kernels/cpu/parallel.h>
#include <lacuna/kernels/row_major.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "../errors.h"

namespace lacuna::test {

using Shape = std::vector<std::int64_t>;

inline std::int64_t count(const Shape& shape) {
  std::int64_t n = 1;
  for (const std::int64_t s : shape) n *= s;
  return n;
}

/// Elements between two guard bands, which intact() finds overwritten or not.
template <class T>
class Buffer {
 public:
  explicit Buffer(std::int64_t n) : n_(n), all_(n + 2 * kGuard) { poison(); }
  T* data() { return all_.data() + kGuard; }
  const T* data() const { return all_.data() + kGuard; }
  std::int64_t size() const { return n_; }
  T& operator[](std::int64_t i) { return data()[i]; }
  const T& operator[](std::int64_t i) const { return data()[i]; }

  /// Fills everything with a bit pattern that is a NaN in f32 and f64.
  void poison() { std::memset(all_.data(), 0xff, all_.size() * sizeof(T)); }
  bool intact() const {
    const auto whole = [](const T* band) {
      const auto* bytes = reinterpret_cast<const unsigned char*>(band);
      for (std::size_t i = 0; i < kGuard * sizeof(T); i++)
        if (bytes[i] != 0xff) return false;
      return true;
    };
    return whole(all_.data()) && whole(all_.data() + kGuard + n_);
  }

 private:
  static constexpr std::int64_t kGuard = 64;
  std::int64_t n_;
  std::vector<T> all_;
};

template <class T>
Array array(T* data, const Shape& shape) {
  return row_major(data, dtype_of<T>, {}, shape);
}
/// Values in [-1, 1) that f32 holds exactly, the same for both types.
template <class T>
Buffer<T> random(std::int64_t n, std::uint32_t seed) {
  Buffer<T> b(n);
  std::uint32_t state = seed * 2654435761u + 12345u;
  for (std::int64_t i = 0; i < n; i++) {
    state = state * 1664525u + 1013904223u;
    b[i] = static_cast<T>(static_cast<std::int32_t>(state) >> 12) / static_cast<T>(1 << 19);
  }
  return b;
}

inline double largest(const Buffer<double>& values) {
  double m = 0;
  for (std::int64_t i = 0; i < values.size(); i++)
    if (std::isfinite(values[i])) m = std::max(m, std::abs(values[i]));
  return m;
}

/// max |got - want| is at most `tolerance` times max |want| (or times 1e-3 where everything is smaller).
template <class T>
void expect_near(const Buffer<T>& got, const Buffer<double>& want, double tolerance,
                 const std::string& what) {
  const double scale = std::max(largest(want), 1e-3);
  for (std::int64_t i = 0; i < want.size(); i++) {
    const double value = got[i];
    if (value != want[i] && !(std::abs(value - want[i]) <= tolerance * scale)) {
      ADD_FAILURE() << what << ": element " << i << " is " << got[i] << ", should be " << want[i]
                    << " within " << tolerance * scale;
      return;
    }
  }
}

/// Runs `kernel` with the best instruction set and with AVX2, with 1, 2 and 3 threads. Of each instruction set the
/// first result goes to `check`; the others must equal it bit for bit. `out` is poisoned before every run.
inline void every_way(Buffer<float>& out, const std::function<void()>& kernel,
                      const std::function<void(const std::string&)>& check) {
  const int before = cpu::threads();
  for (const bool avx2 : {false, true}) {
    if (avx2) hwy::SetSupportedTargetsForTest(HWY_AVX2);
    Buffer<float> first(0);
    for (const int threads : {1, 2, 3}) {
      cpu::set_threads(threads);
      out.poison();
      kernel();
      const std::string what =
          std::string(avx2 ? "AVX2, " : "best, ") + std::to_string(threads) + " threads";
      EXPECT_TRUE(out.intact()) << what << ": wrote outside its output";
      if (threads == 1) {
        check(what);
        first = out;
      } else {
        EXPECT_EQ(0, std::memcmp(first.data(), out.data(), out.size() * sizeof(float)))
            << what << ": bits differ from those with one thread";
      }
    }
  }
  hwy::SetSupportedTargetsForTest(0);
  cpu::set_threads(before);
}

inline constexpr Device kCpu{DeviceType::cpu, 0};

}  // namespace lacuna::test
