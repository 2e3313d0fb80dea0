#include "report.h"

#include <algorithm>
#include <stdexcept>

#include "facts.h"

namespace lacuna::bench {

Json describe(const Case& c) {
  Json json{
      {"name", c.name}, {"op", c.op}, {"tf32", c.tf32}, {"flops", c.flops}, {"bytes", c.bytes}};
  json["settings"] = Json::object();
  for (const auto& [name, value] : c.settings) json["settings"][name] = value;
  for (const Operand& o : c.operands)
    json["operands"].push_back(
        {{"shape", o.shape}, {"dtype", name_of(o.dtype)}, {"limit", o.limit}});
  return json;
}

void add(Json& entry, const Result& r) {
  entry["floor_seconds"] = r.floor;
  entry["workspace_bytes"] = r.workspace;
  if (!r.error.empty()) entry["error"] = r.error;
  for (const Timing& t : r.timings)
    entry["timings"].push_back({{"name", t.name},
                                {"seconds", t.seconds},
                                {"spread", t.spread},
                                {"samples", t.samples},
                                {"error", t.error}});
}

void merge(Json& results, const Json& torch, const Json& known) {
  for (const Json& other : torch) {
    const auto same = [&](const Json& entry) { return entry["name"] == other["name"]; };
    if (std::none_of(known.begin(), known.end(), same))
      throw std::runtime_error("no case is called \"" + other["name"].get<std::string>() + "\"");
    for (Json& entry : results)
      if (same(entry) && !entry.contains("error"))
        for (const Json& t : other["timings"]) entry["timings"].push_back(t);
  }
}

namespace {

std::string cell(const Json& value, double scale, const char* format) {
  return number(scale * value.get<double>(), format);
}
std::string error_of(const Json& timing) {
  const double error = timing["error"];
  return error < 0 ? "" : number(error, "%.1e");
}

}  // namespace

std::string rows(const Json& entry) {
  const std::string name = "| " + entry["name"].get<std::string>() + " | ";
  if (entry.contains("error"))
    return name + "failed: " + entry["error"].get<std::string>() + " | | | | | | | |\n";
  const Json& timings = entry["timings"];
  const Json& ours = timings[0];
  const double seconds = ours["seconds"], floor = entry["floor_seconds"];
  const std::string first = name + number(1e6 * floor, "%.1f") + " | " +
                            number(1e6 * seconds, "%.1f") + " | " +
                            number(floor / seconds, "%.2f") + " | " + error_of(ours) + " | " +
                            cell(entry["workspace_bytes"], 0x1p-20, "%.1f") + " | ";
  std::string lines;
  for (std::size_t i = 1; i < timings.size(); i++)
    lines += first + cell(timings[i]["seconds"], 1e6, "%.1f") + " (" +
             timings[i]["name"].get<std::string>() + ") | " +
             number(timings[i]["seconds"].get<double>() / seconds, "%.2f") + " | " +
             error_of(timings[i]) + " |\n";
  return lines.empty() ? first + " | | |\n" : lines;
}

std::string table(const Json& results) {
  std::string text =
      "| kernel | floor, us | Lacuna, us | of the floor | error | workspace, MiB | baseline, us | "
      "ratio | its error |\n"
      "|---|---|---|---|---|---|---|---|---|\n";
  for (const Json& entry : results) text += rows(entry);
  return text;
}

}  // namespace lacuna::bench
