#pragma once
// Temporary memory of a kernel, from the pool of kept blocks.
#include <utility>

#include "memory.h"

namespace lacuna::cpu {

template <class T>
class Scratch {
 public:
  explicit Scratch(std::size_t count) : bytes_(count * sizeof(T)) {
    data_ = static_cast<T*>(allocate(bytes_, 0));
  }
  ~Scratch() { release(data_, bytes_, 0); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return data_; }
  T& operator[](std::size_t i) const { return data_[i]; }

 private:
  std::size_t bytes_;
  T* data_;
};

}  // namespace lacuna::cpu
