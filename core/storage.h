#pragma once
// A block of device memory that tensors share, and the figures about all of them.
#include <memory>

#include "../kernels/backend.h"

namespace lacuna {

class Storage {
 public:
  /// Uninitialised memory (NaN bytes on emu). Throws Error where the device is not there or out of memory.
  Storage(std::size_t bytes, Device device);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  Device device() const { return device_; }

  /// Goes up with every in-place change; the tape compares it with the version it saved.
  std::uint32_t version() const { return version_; }
  void bump_version() { version_++; }

  /// A copy of its f32 elements in bf16, where there is one, and the version that it is a copy of: core/shadow.h.
  struct Shadow {
    std::shared_ptr<Storage> storage;
    std::uint32_t version = 0;
  };
  Shadow& shadow() { return shadow_; }

 private:
  void* data_;  // what tensors see
  void* base_;  // what the backend gave; differs where guard bands are on
  std::size_t bytes_;
  Device device_;
  std::uint32_t version_ = 0;
  bool guarded_;
  Shadow shadow_;
};

struct MemoryStats {
  std::int64_t live_bytes = 0;
  std::int64_t peak_bytes = 0;
  std::int64_t allocations = 0;
};

/// Tensor bytes in use on a type of device, their peak since the last reset, and the number of allocations so far.
MemoryStats memory_stats(DeviceType type);
void reset_peak_memory(DeviceType type);

/// For tests: every storage allocated while on gets a band of known bytes on both sides, verified when it is freed
/// (host memory only). broken_guard_bands() counts those found damaged so far.
void set_guard_bands(bool on);
std::int64_t broken_guard_bands();

}  // namespace lacuna
