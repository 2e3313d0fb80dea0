#pragma once
// The table of kernels and the backends that fill it. Which backends exist is decided by what CMake
// links: kernels/cuda and kernels/emu, or their one-line stand-ins in kernels/absent.
#include <vector>

#include "array.h"

namespace lacuna {

#define KERNEL(name, Args) struct Args;
#include "kernels.def"
#undef KERNEL

struct KernelTable {
#define KERNEL(name, Args) void (*name)(const Args&, Stream) = nullptr;
#include "kernels.def"
#undef KERNEL
};

/// Raw memory of one device. Allocations are aligned to at least 64 bytes.
struct Memory {
  void* (*allocate)(std::size_t bytes, int index) = nullptr;
  void (*release)(void* data, std::size_t bytes, int index) = nullptr;
  /// Copies between this device and the host, either way, or within the device; done when it
  /// returns.
  void (*copy)(void* to, const void* from, std::size_t bytes) = nullptr;
  void (*fill_zero)(void* data, std::size_t bytes, Stream) = nullptr;
};

struct Backend {
  const char* name;
  Memory memory;
  KernelTable kernels;
  int (*device_count)();                // 0: linked, but no such device in this machine
  std::string (*why_absent)();          // a line that says why device_count() is 0
  void (*select)(int index) = nullptr;  // makes device `index` the one this thread's launches go to
};

/// The backend of a device type, or nullptr where it is not in this binary.
const Backend* find_backend(DeviceType type);

/// One name for every table entry, in the order of kernels.def.
const std::vector<const char*>& kernel_names();

/// How often each kernel ran, by the order of kernel_names(), over all devices. Counted by run().
std::vector<std::int64_t> kernel_calls();

namespace detail {
/// The backend of `device`, or an Error that names the op and says what there is.
const Backend& backend_for(const char* op, Device device);
void count_call(std::size_t kernel);
}  // namespace detail

/// Validates args, finds the backend of `device` and runs the kernel:
/// run<&KernelTable::softmax_forward>(args, device). The Args struct carries the name that errors
/// use (Args::op) and has a validate(const Args&) beside it.
template <auto Entry, class Args>
void run(const Args& args, Device device, Stream stream = {}) {
  validate(args);
  const Backend& backend = detail::backend_for(Args::op, device);
  const auto kernel = backend.kernels.*Entry;
  static const std::size_t number = [] {
    // The table holds function pointers only, so an entry's place in it is its number.
    static constexpr KernelTable table{};
    return static_cast<std::size_t>(reinterpret_cast<const char*>(&(table.*Entry)) -
                                    reinterpret_cast<const char*>(&table)) /
           sizeof(void (*)());
  }();
  detail::count_call(number);
  if (backend.select) backend.select(device.index);
  kernel(args, stream);
}

}  // namespace lacuna
