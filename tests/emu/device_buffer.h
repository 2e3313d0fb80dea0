#pragma once
// Values on a device, with guard bands round them that must not change.
#include <cstring>
#include <vector>

#include "../../kernels/backend.h"

namespace lacuna::test {

template <class T>
class DeviceBuffer {
 public:
  /// Without bands the allocation has exactly the values' size, so that AddressSanitizer watches its ends.
  DeviceBuffer(const Backend& backend, const std::vector<T>& values, bool bands = true)
      : backend_(backend),
        count_(values.size()),
        band_(bands ? kBand : 0),
        host_(bytes(), kPattern) {
    data_ = static_cast<char*>(backend.memory.allocate(bytes(), 0));
    if (count_) std::memcpy(host_.data() + band_, values.data(), count_ * sizeof(T));
    backend.memory.copy(data_, host_.data(), bytes());
  }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  ~DeviceBuffer() { backend_.memory.release(data_, bytes(), 0); }

  T* data() const { return reinterpret_cast<T*>(data_ + band_); }
  std::vector<T> values() {
    fetch();
    std::vector<T> out(count_);
    if (count_) std::memcpy(out.data(), host_.data() + band_, count_ * sizeof(T));
    return out;
  }
  bool bands_intact() {
    fetch();
    for (std::size_t i = 0; i < bytes(); i++)
      if ((i < band_ || i >= band_ + count_ * sizeof(T)) && host_[i] != kPattern) return false;
    return true;
  }

 private:
  static constexpr std::size_t kBand = 256;
  static constexpr char kPattern = 0x5a;
  std::size_t bytes() const { return count_ * sizeof(T) + 2 * band_; }
  void fetch() { backend_.memory.copy(host_.data(), data_, bytes()); }

  const Backend& backend_;
  std::size_t count_, band_;
  std::vector<char> host_;
  char* data_ = nullptr;
};

}  // namespace lacuna::test
