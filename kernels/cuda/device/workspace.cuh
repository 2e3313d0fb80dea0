#pragma once
// Device memory for the time of a kernel call.
#include <cstddef>
#include <utility>

#include "../../array.h"

namespace lacuna::LACUNA_NS {

// Of the backend: its memory.h.
void* allocate(std::size_t bytes, int index);
void release(void* data, std::size_t bytes, int index);

/// `count` elements on device `index`. Released while the kernels that use it may still run: what is handed the block
/// next comes behind them in the stream.
template <class T>
class Workspace {
 public:
  Workspace(std::int64_t count, Device device)
      : bytes_(static_cast<std::size_t>(count) * sizeof(T)), index_(device.index) {
    if (bytes_ > 0) data_ = static_cast<T*>(allocate(bytes_, index_));
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() {
    if (data_) release(data_, bytes_, index_);
  }
  /// Null where the count is 0.
  T* data() const { return data_; }

 private:
  std::size_t bytes_;
  int index_;
  T* data_ = nullptr;
};

}  // namespace lacuna::LACUNA_NS
