#include "backend.h"

#include <atomic>

namespace lacuna {

const Backend* cpu_backend();
const Backend* cuda_backend();
const Backend* emu_backend();

const Backend* find_backend(DeviceType type) {
  switch (type) {
    case DeviceType::cpu:
      return cpu_backend();
    case DeviceType::cuda:
      return cuda_backend();
    case DeviceType::emu:
      return emu_backend();
  }
  return nullptr;
}

const std::vector<const char*>& kernel_names() {
  static const std::vector<const char*> names = {
#define KERNEL(name, Args) #name,
#include "kernels.def"
#undef KERNEL
  };
  return names;
}

namespace {
constexpr std::size_t kKernels = sizeof(KernelTable) / sizeof(void (*)());
std::atomic<std::int64_t> calls[kKernels];
}  // namespace

std::vector<std::int64_t> kernel_calls() { return {calls, calls + kKernels}; }

namespace detail {

const Backend& backend_for(const char* op, Device device) {
  if (const Backend* backend = find_backend(device.type)) {
    LACUNA_CHECK(device.index < backend->device_count(), op, "device ", device,
                 " is not in this machine", backend->device_count() ? "" : ": ",
                 backend->why_absent());
    return *backend;
  }
  std::string have;
  for (DeviceType type : {DeviceType::cpu, DeviceType::emu, DeviceType::cuda})
    if (const Backend* b = find_backend(type))
      have += (have.empty() ? "" : ", ") + std::string(b->name);
  fail(op, "device ", device, " is not in this build (it has: ", have, ")");
}

void fail_kernel(const Error& error, const char* op, const void* args,
                 void (*validate)(const void* args)) {
  const std::string text =
      std::string(error.what()) + "; in " + op + " of " + arguments_of(validate, args);
  if (dynamic_cast<const RunError*>(&error)) throw RunError(text);
  throw Error(text);
}

void count_call(std::size_t kernel) { calls[kernel].fetch_add(1, std::memory_order_relaxed); }

}  // namespace detail
}  // namespace lacuna
