#pragma once
// An array with random values, from the kernels' own memory.
#include <lacuna/kernels/backend.h>

#include <algorithm>
#include <initializer_list>

#include "bench.h"

namespace lacuna::bench {

class Operand {
 public:
  Operand() = default;
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;
  ~Operand() {
    if (data_) memory().release(data_, bytes_, 0);
  }

  Array make(std::initializer_list<std::int64_t> shape, Dtype dtype = Dtype::f32) {
    Array a;
    a.ndim = static_cast<std::int8_t>(shape.size());
    a.dtype = dtype;
    std::copy(shape.begin(), shape.end(), a.shape);
    std::int64_t stride = 1;
    for (int i = a.ndim - 1; i >= 0; i--) {
      a.strides[i] = stride;
      stride *= a.shape[i];
    }
    bytes_ = static_cast<std::size_t>(a.size()) * size_of(dtype);
    a.data = data_ = memory().allocate(bytes_, 0);
    if (dtype == Dtype::f32) {
      const auto values = random_values(a.size());
      std::copy(values.begin(), values.end(), a.as<float>());
    }
    return a;
  }

 private:
  static const Memory& memory() { return find_backend(DeviceType::cpu)->memory; }
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace lacuna::bench
