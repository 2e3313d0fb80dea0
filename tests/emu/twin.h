#pragma once
// One kernel call on cpu and on a device, from the same bytes.
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "../../kernels/random.h"
#include "device_buffer.h"

namespace lacuna::test {

struct Layout {
  std::vector<std::int64_t> shape, strides = {};  // no strides: row-major
  std::int64_t offset = 0;                        // of the first element, in elements
};

inline Array array_of(void* data, Dtype dtype, Device device, const Layout& l) {
  Array a;
  a.data = static_cast<char*>(data) + l.offset * static_cast<std::int64_t>(size_of(dtype));
  a.dtype = dtype;
  a.device = device;
  a.ndim = static_cast<std::int8_t>(l.shape.size());
  std::int64_t step = 1;
  for (int d = a.ndim - 1; d >= 0; d--) {
    a.shape[d] = l.shape[d];
    a.strides[d] = l.strides.empty() ? step : l.strides[d];
    step *= l.shape[d];
  }
  return a;
}

/// Values as bytes of a dtype.
inline std::vector<char> bytes_of(const std::vector<double>& values, Dtype dtype) {
  std::vector<char> out(values.size() * size_of(dtype));
  dispatch_all(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::size_t i = 0; i < values.size(); i++) {
      T v;
      if constexpr (std::is_same_v<T, bf16>)
        v = bf16(static_cast<float>(values[i]));
      else if constexpr (std::is_same_v<T, bool>)
        v = values[i] != 0;
      else
        v = static_cast<T>(values[i]);
      std::memcpy(out.data() + i * sizeof(T), &v, sizeof(T));
    }
  });
  return out;
}

inline std::vector<double> values_of(const std::vector<char>& bytes, Dtype dtype) {
  std::vector<double> out(bytes.size() / size_of(dtype));
  dispatch_all(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::size_t i = 0; i < out.size(); i++) {
      T v;
      std::memcpy(&v, bytes.data() + i * sizeof(T), sizeof(T));
      if constexpr (std::is_same_v<T, bf16>)
        out[i] = static_cast<float>(v);
      else
        out[i] = static_cast<double>(v);
    }
  });
  return out;
}

/// n values between low and high.
inline std::vector<double> drawn(std::int64_t n, double low = -2, double high = 2,
                                 std::uint64_t seed = 1) {
  std::vector<double> out(n);
  for (std::int64_t i = 0; i < n; i++)
    out[i] = low + (high - low) * uniform_of(draw_word(RandomKey::of(seed, 5), i, 0));
  return out;
}

/// Buffers on one device. Start: the bytes that a run begins with.
class Buffers {
 public:
  explicit Buffers(DeviceType type) : device_{type}, backend_(*find_backend(type)) {}
  Device device() const { return device_; }
  int add(Dtype dtype, const std::vector<double>& values) {
    return add_bytes(dtype, bytes_of(values, dtype));
  }
  int add_bytes(Dtype dtype, const std::vector<char>& bytes) {
    buffers_.push_back(std::make_unique<DeviceBuffer<char>>(backend_, bytes));
    dtypes_.push_back(dtype);
    return static_cast<int>(buffers_.size()) - 1;
  }
  Array array(int i, const Layout& l) const {
    return array_of(buffers_[i]->data(), dtypes_[i], device_, l);
  }
  std::vector<char> bytes(int i) { return buffers_[i]->values(); }
  std::vector<double> values(int i) { return values_of(bytes(i), dtypes_[i]); }
  bool intact() {
    for (auto& b : buffers_)
      if (!b->bands_intact()) return false;
    return true;
  }

 private:
  Device device_;
  const Backend& backend_;
  std::vector<std::unique_ptr<DeviceBuffer<char>>> buffers_;
  std::vector<Dtype> dtypes_;
};

/// Runs `f`, which fills buffers and calls a kernel, on cpu and on emu; true where all bytes of buffer 0 agree.
inline bool same_bytes(const std::function<void(Buffers&)>& f) {
  Buffers cpu(DeviceType::cpu), emu(DeviceType::emu);
  f(cpu);
  f(emu);
  return emu.intact() && cpu.bytes(0) == emu.bytes(0);
}

}  // namespace lacuna::test
