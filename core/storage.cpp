#include "storage.h"

#include <atomic>
#include <cstring>
#include <new>

namespace lacuna {
namespace {

struct Counters {
  std::atomic<std::int64_t> live{0}, peak{0}, allocations{0};
};
Counters counters[3];
Counters& counters_of(DeviceType type) { return counters[static_cast<int>(type)]; }

constexpr std::size_t kBand = 64;
constexpr unsigned char kPattern = 0xA5;
std::atomic<bool> guard_bands{false};
std::atomic<std::int64_t> broken{0};

bool intact(const void* band) {
  const auto* p = static_cast<const unsigned char*>(band);
  for (std::size_t i = 0; i < kBand; i++)
    if (p[i] != kPattern) return false;
  return true;
}

}  // namespace

Storage::Storage(std::size_t bytes, Device device) : bytes_(bytes), device_(device) {
  const Backend& backend = detail::backend_for("allocate", device);
  const int count = backend.device_count();
  LACUNA_CHECK(
      device.index >= 0 && device.index < count, "allocate", "device ", device, " is not there: ",
      count == 0 ? backend.why_absent() : std::to_string(count) + " such devices were found");
  guarded_ = guard_bands && device.type != DeviceType::cuda;
  const std::size_t extra = guarded_ ? 2 * kBand : 0;
  try {
    base_ = backend.memory.allocate(bytes + extra, device.index);
  } catch (const std::bad_alloc&) {
    fail("allocate", "out of memory on ", device, ": asked for ", bytes, " bytes with ",
         memory_stats(device.type).live_bytes, " in use by tensors");
  }
  data_ = base_;
  if (guarded_) {
    data_ = static_cast<char*>(base_) + kBand;
    std::memset(base_, kPattern, kBand);
    std::memset(static_cast<char*>(data_) + bytes_, kPattern, kBand);
  }
  Counters& c = counters_of(device.type);
  c.allocations++;
  const std::int64_t live = c.live += static_cast<std::int64_t>(bytes);
  std::int64_t peak = c.peak.load();
  while (live > peak && !c.peak.compare_exchange_weak(peak, live)) {
  }
}

Storage::~Storage() {
  if (guarded_ && !(intact(base_) && intact(static_cast<char*>(data_) + bytes_))) broken++;
  counters_of(device_.type).live -= static_cast<std::int64_t>(bytes_);
  find_backend(device_.type)
      ->memory.release(base_, bytes_ + (guarded_ ? 2 * kBand : 0), device_.index);
}

MemoryStats memory_stats(DeviceType type) {
  const Counters& c = counters_of(type);
  return {c.live, c.peak, c.allocations};
}

void reset_peak_memory(DeviceType type) { counters_of(type).peak = counters_of(type).live.load(); }

void set_guard_bands(bool on) { guard_bands = on; }
std::int64_t broken_guard_bands() { return broken; }

}  // namespace lacuna
