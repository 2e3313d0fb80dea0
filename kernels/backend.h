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
  /// Copies between this device and the host, either way; done when it returns. An Error in a captured step.
  void (*copy)(void* to, const void* from, std::size_t bytes) = nullptr;
  /// Within the device, in the order of the stream, as kernels are.
  void (*copy_within)(void* to, const void* from, std::size_t bytes, Stream) = nullptr;
  void (*fill_zero)(void* data, std::size_t bytes, Stream) = nullptr;
};

/// Work of a device that is recorded once and replayed with one call: a CUDA graph. Null where there is no such thing
/// (cpu). core/graph.h says what a recording holds to.
struct Recording {
  /// From here to end(), what this thread launches, fills and copies within the device is recorded and not run. Memory
  /// that it allocates or releases meanwhile is kept for the graph until the graph is released.
  void (*begin)(int index) = nullptr;
  void* (*end)() = nullptr;  // the graph; an Error where the recording became invalid
  void (*replay)(void* graph) = nullptr;
  void (*release)(void* graph) = nullptr;
};

/// A lane brings data from the host to a device beside the device's work. Null where data need not be brought (cpu).
struct Lanes {
  void* (*open)(int index) = nullptr;
  void (*close)(void* lane) = nullptr;                  // waits for its copies
  void* (*allocate_host)(std::size_t bytes) = nullptr;  // pinned: the only memory that copy() takes
  void (*release_host)(void* data) = nullptr;
  /// Starts a copy to the device and returns.
  void (*copy)(void* lane, void* to, const void* from, std::size_t bytes) = nullptr;
  /// What is launched from here on waits for the lane's copies so far.
  void (*join)(void* lane) = nullptr;
  /// The lane's next copies wait for what was launched so far; returns when the host's memory may be overwritten.
  void (*recycle)(void* lane) = nullptr;
};

struct Backend {
  const char* name;
  Memory memory;
  KernelTable kernels;
  int (*device_count)();                // 0: linked, but no such device in this machine
  std::string (*why_absent)();          // a line that says why device_count() is 0
  void (*select)(int index) = nullptr;  // makes device `index` the one this thread's launches go to
  Recording recording = {};
  Lanes lanes = {};
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
/// Throws the error again, with the kernel's arguments as validate(args) names them.
[[noreturn]] void fail_kernel(const Error& error, const char* op, const void* args,
                              void (*validate)(const void* args));
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
  try {
    kernel(args, stream);
  } catch (const Error& error) {
    detail::fail_kernel(error, Args::op, &args,
                        [](const void* a) { validate(*static_cast<const Args*>(a)); });
  }
}

}  // namespace lacuna
