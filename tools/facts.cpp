#include "facts.h"

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "../core/files.h"
#include "../kernels/error.h"

namespace lacuna::tools {
namespace {

// Calls visit(name, member) for every fact, so that writing and reading cannot differ.
template <class F, class Visit>
void each(F& facts, Visit&& visit) {
  visit("task", facts.task);
  visit("data", facts.data);
  visit("validation", facts.validation);
  visit("device", facts.device);
  visit("processor", facts.processor);
  visit("version", facts.version);
  visit("samples", facts.samples);
  visit("parameters", facts.parameters);
  visit("threads", facts.threads);
  visit("loss_start", facts.loss_start);
  visit("loss_plateau", facts.loss_plateau);
  visit("loss_floor", facts.loss_floor);
  visit("step", facts.step);
  visit("steps", facts.steps);
  visit("peak_tensor_bytes", facts.peak_tensor_bytes);
  visit("peak_resident_bytes", facts.peak_resident_bytes);
}

}  // namespace

void write_facts(const RunFolder& folder, const Facts& facts) {
  nlohmann::ordered_json json;
  each(facts, [&](const char* name, const auto& value) { json[name] = value; });  // NaN is null
  write_file(folder.facts(), json.dump(2) + "\n");
}

Facts read_facts(const RunFolder& folder) {
  Facts facts;
  if (!std::filesystem::exists(folder.facts())) return facts;
  const auto json = nlohmann::json::parse(read_file(folder.facts()), nullptr, false);
  LACUNA_CHECK(json.is_object(), "run", folder.facts(), " is not a JSON object");
  each(facts, [&](const char* name, auto& value) {
    using T = std::decay_t<decltype(value)>;
    if (!json.contains(name)) return;
    const auto& found = json[name];
    if constexpr (std::is_same_v<T, double>) {
      if (found.is_null()) {
        value = std::numeric_limits<double>::quiet_NaN();
        return;
      }
    }
    constexpr bool text = std::is_same_v<T, std::string>;
    LACUNA_CHECK(text ? found.is_string() : found.is_number(), "run", folder.facts(), ": ", name,
                 " must be ", text ? "text" : "a number");
    value = found.get<T>();
  });
  return facts;
}

std::string processor_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.rfind("model name", 0) == 0) {
      const auto colon = line.find(": ");
      if (colon != std::string::npos) return line.substr(colon + 2);
    }
  return "unknown";
}

std::int64_t peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * std::int64_t{1024};  // Linux counts in KiB
}

}  // namespace lacuna::tools
