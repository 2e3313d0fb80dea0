// A --config file: TOML text into the settings of a run. What is accepted must be written and read back as the same.
#include "../../tools/config.h"
#include "../../ssl/task.h"
#include "../../tools/run_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lacuna;
  static const Settings defaults = tools::settings_of(find_task("inpainting"));
  Settings settings = defaults;
  try {
    tools::read_config(settings, std::string(reinterpret_cast<const char*>(data), size), "input");
  } catch (const Error&) {
    return 0;
  }
  Settings again = defaults;
  tools::read_config(again, tools::write_config(settings), "written");
  for (std::size_t i = 0; i < settings.keys().size(); i++)
    if (!(again.keys()[i].value == settings.keys()[i].value)) __builtin_trap();
  return 0;
}
