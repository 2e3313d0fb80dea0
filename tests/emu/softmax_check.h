#pragma once
// A device's softmax kernels against the cpu's in f64, one kernel call at a time.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "../../kernels/random.h"
#include "../../kernels/softmax.h"
#include "device_buffer.h"

namespace lacuna::test {

inline constexpr float kInf = std::numeric_limits<float>::infinity();

struct SoftmaxShape {
  std::int64_t rows, columns;
  bool aligned =
      true;  // false: the buffers start 4 bytes (f32) or 2 bytes (bf16) after a multiple of 16
};

inline Array array_of(void* data, Dtype dtype, Device device, const SoftmaxShape& s) {
  Array a;
  a.data = data;
  a.dtype = dtype;
  a.device = device;
  a.ndim = 2;
  a.shape[0] = s.rows;
  a.shape[1] = a.strides[0] = s.columns;
  a.strides[1] = 1;
  return a;
}

/// Close to the reference, where a NaN is close to nothing but a NaN.
inline bool close(double got, double want, double absolute, double relative) {
  if (std::isnan(want)) return std::isnan(got);
  if (std::isinf(want)) return got == want;
  return std::abs(got - want) <= absolute + relative * std::abs(want);
}

template <class T>
std::vector<T> uneven(const std::vector<T>& v, bool aligned) {
  std::vector<T> out(aligned ? 0 : 1, T(1.0f));
  out.insert(out.end(), v.begin(), v.end());
  return out;
}

/// Runs forward and backward of one shape on `type`, with x as given (f32 values, rounded to T here).
template <class T>
void check_softmax(DeviceType type, const SoftmaxShape& s, const std::vector<float>& x_values,
                   bool log) {
  SCOPED_TRACE(std::string(name_of(dtype_of<T>)) + " rows " + std::to_string(s.rows) + " columns " +
               std::to_string(s.columns) + (log ? " log" : "") + (s.aligned ? "" : " uneven"));
  const Backend& backend = *find_backend(type);
  const Device device{type}, cpu{};
  const std::size_t n = x_values.size();
  const std::size_t skip = s.aligned ? 0 : 1;
  std::vector<T> x, dy;
  for (std::size_t i = 0; i < n; i++) {
    x.push_back(T(x_values[i]));
    dy.push_back(T(2.0f * uniform_of(draw_word(RandomKey::of(7, 7), i, 0)) - 1.0f));
  }
  DeviceBuffer<T> x_device(backend, uneven(x, s.aligned)),
      y_device(backend, uneven(std::vector<T>(n), s.aligned)),
      dy_device(backend, uneven(dy, s.aligned)),
      dx_device(backend, uneven(std::vector<T>(n), s.aligned));
  const auto on_device = [&](DeviceBuffer<T>& b) {
    return array_of(b.data() + skip, dtype_of<T>, device, s);
  };
  run<&KernelTable::softmax_forward>(SoftmaxForward{on_device(y_device), on_device(x_device), log},
                                     device);
  run<&KernelTable::softmax_backward>(
      SoftmaxBackward{on_device(dx_device), on_device(y_device), on_device(dy_device), log},
      device);
  for (DeviceBuffer<T>* b : {&x_device, &y_device, &dy_device, &dx_device})
    ASSERT_TRUE(b->bands_intact());

  // Backward takes the device's own y, rounded as it is; forward takes the rounded x.
  const std::vector<T> y = y_device.values(), dx = dx_device.values();
  std::vector<double> x64(n), y64(n), y_as_stored(n), dy64(n), dx64(n);
  for (std::size_t i = 0; i < n; i++) {
    x64[i] = static_cast<float>(x[i]);
    dy64[i] = static_cast<float>(dy[i]);
    y_as_stored[i] = static_cast<float>(y[i + skip]);
  }
  const auto on_cpu = [&](std::vector<double>& v) {
    return array_of(v.data(), Dtype::f64, cpu, s);
  };
  run<&KernelTable::softmax_forward>(SoftmaxForward{on_cpu(y64), on_cpu(x64), log}, cpu);
  run<&KernelTable::softmax_backward>(
      SoftmaxBackward{on_cpu(dx64), on_cpu(y_as_stored), on_cpu(dy64), log}, cpu);

  // bf16 results carry 8 bits: half a unit of the last. f32: exp and log to a few units in 24 bits on arguments up to
  // 600; log(1 + tiny) is only as good as 1 + tiny; and a gradient takes from dy a sum of the size of sum |dy y|.
  const double unit = std::is_same_v<T, bf16> ? 0x1p-8 : 0x1p-24;
  for (std::int64_t r = 0; r < s.rows; r++) {
    double total = 0;
    for (std::int64_t c = 0; c < s.columns; c++) {
      const std::int64_t i = r * s.columns + c;
      total += std::abs(dy64[i] * (log ? 1.0 : y_as_stored[i]));
    }
    for (std::int64_t c = 0; c < s.columns; c++) {
      const std::int64_t i = r * s.columns + c;
      const double weight = log ? std::exp(y_as_stored[i]) : y_as_stored[i];
      ASSERT_TRUE(close(static_cast<float>(y[i + skip]), y64[i], log ? 0x1p-22 : 1e-37,
                        (log ? 4 : 40) * 0x1p-24 + 1.001 * unit))
          << "y(" << r << ", " << c << ") is " << static_cast<float>(y[i + skip]) << ", not "
          << y64[i];
      ASSERT_TRUE(close(static_cast<float>(dx[i + skip]), dx64[i],
                        1e-37 + 64 * 0x1p-24 * weight * (total + 1), 4 * 0x1p-24 + 1.001 * unit))
          << "dx(" << r << ", " << c << ") is " << static_cast<float>(dx[i + skip]) << ", not "
          << dx64[i];
    }
  }
}

inline std::vector<float> random_values(const SoftmaxShape& s, float scale) {
  std::vector<float> x(static_cast<std::size_t>(s.rows * s.columns));
  for (std::size_t i = 0; i < x.size(); i++)
    x[i] = scale * (2.0f * uniform_of(draw_word(RandomKey::of(3, 1), i, 0)) - 1.0f);
  return x;
}

/// Every shape, dtype and variant that the kernels tell apart.
inline void check_softmax_everywhere(DeviceType type) {
  const auto both = [&](const SoftmaxShape& s, const std::vector<float>& x) {
    for (bool log : {false, true}) {
      check_softmax<float>(type, s, x, log);
      check_softmax<bf16>(type, s, x, log);
      if (testing::Test::HasFatalFailure()) return;
    }
  };
  // The usual sizes; whole vectors in a warp (32 .. 1024 f32, .. 2048 bf16) and beyond, in a block.
  for (std::int64_t columns :
       {0, 1, 7, 31, 32, 33, 127, 128, 256, 512, 1023, 1024, 1025, 2048, 4104}) {
    const SoftmaxShape s{columns > 1100 ? 2 : 5, columns};
    both(s, random_values(s, 4.0f));
    if (testing::Test::HasFatalFailure()) return;
  }
  for (std::int64_t rows : {0, 1, 7, 31, 32, 33, 127}) {
    const SoftmaxShape s{rows, 33};
    both(s, random_values(s, 4.0f));
  }
  for (std::int64_t columns : {64, 1024, 2048}) {
    const SoftmaxShape s{2, columns, false};
    both(s, random_values(s, 4.0f));
  }
  for (std::int64_t columns : {1, 33, 127, 1025}) {
    const SoftmaxShape s{7, columns};
    std::vector<float> x = random_values(s, 300.0f);
    for (std::int64_t c = 0; c < columns; c++) {
      x[0 * columns + c] = c % 2 ? 300.0f : -300.0f;
      x[1 * columns + c] = -kInf;                            // masked out altogether
      x[2 * columns + c] = c + 1 == columns ? 1.0f : -kInf;  // all but one
      x[3 * columns + c] = -300.0f;
      x[6 * columns + c] = c + 1 == columns
                               ? -300.0f
                               : -kInf;  // the maximum far below 0, other threads see -inf only
    }
    both(s, x);
  }
}

}  // namespace lacuna::test
