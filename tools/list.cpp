// lacuna list: tasks, data sets and devices, with one line each.
#include <fmt/core.h>

#include "../datasets/spec.h"
#include "../kernels/backend.h"
#include "../kernels/cpu/parallel.h"
#include "../ssl/task.h"
#include "command.h"

namespace lacuna::tools {
namespace {

class List : public Command {
 public:
  void declare(Options&) override {}
  int run() override {
    fmt::print("Tasks (lacuna train TASK)\n");
    for (const TaskInfo* t : tasks()) fmt::print("  {:<24}{}\n", t->name, t->line);
    fmt::print("\nData (--data SPEC)\n");
    for (const Scheme& s : schemes()) fmt::print("  {:<24}{}\n", s.usage, s.summary);
    fmt::print("\nDevices (--device DEVICE)\n");
    device("cpu", DeviceType::cpu, "every kernel, " + std::to_string(cpu::threads()) + " threads");
    device("cuda", DeviceType::cuda, "");
    device("emu", DeviceType::emu, "the CUDA kernels on the host: for testing them, slow");
    return 0;
  }

 private:
  static void device(const char* name, DeviceType type, const std::string& what) {
    const Backend* backend = find_backend(type);
    if (!backend) {
      fmt::print("  {:<24}not in this build\n", name);
    } else if (const int count = backend->device_count(); count == 0) {
      fmt::print("  {:<24}not here: {}\n", name, backend->why_absent());
    } else {
      fmt::print(
          "  {:<24}{}\n", name,
          what.empty() ? std::to_string(count) + (count == 1 ? " device" : " devices") : what);
    }
  }
};

}  // namespace

extern const CommandInfo list_command{"list", "tasks, data sets and devices, with one line each",
                                      make_command<List>};

}  // namespace lacuna::tools
