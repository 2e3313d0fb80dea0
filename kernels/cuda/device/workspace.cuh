#pragma once
// Memory for the launches of one kernel call, on the host's side. It is given back as soon as they are on their way,
// which is sound because a device does its work in order.
#include "../../backend.h"

namespace lacuna::LACUNA_NS {

template <class T>
class Workspace {
 public:
  Workspace(Device device, std::int64_t count)
      : memory_(find_backend(device.type)->memory),
        bytes_(static_cast<std::size_t>(count) * sizeof(T)),
        index_(device.index),
        data_(bytes_ ? static_cast<T*>(memory_.allocate(bytes_, index_)) : nullptr) {}
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() {
    if (data_) memory_.release(data_, bytes_, index_);
  }
  T* data() const { return data_; }

 private:
  const Memory& memory_;
  std::size_t bytes_;
  int index_;
  T* data_;
};

}  // namespace lacuna::LACUNA_NS
