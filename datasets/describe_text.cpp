// The two ways in which a summary is written.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "describe.h"

namespace lacuna {

std::string to_text(const SourceSummary& s) {
  std::ostringstream out;
  char line[160];
  out << s.name << "\n  samples  " << s.samples << "\n";
  for (const FieldSummary& f : s.fields) {
    out << "  " << f.name << "  " << f.shape << ' ' << name_of(f.dtype) << "\n";
    if (f.name == "label" || s.samples == 0) continue;
    out << "    channel        min        max       mean        std\n";
    for (std::size_t c = 0; c < f.channels.size(); c++) {
      const ChannelSummary& m = f.channels[c];
      std::snprintf(line, sizeof line, "    %7zu %10.5g %10.5g %10.5g %10.5g\n", c, m.min, m.max,
                    m.mean, m.std);
      out << line;
    }
  }
  if (!s.labels.empty()) {
    out << "  classes  " << s.labels.size() << "\n";
    std::size_t width = 0;
    for (const auto& label : s.labels) width = std::max(width, label.first.size());
    for (const auto& [name, count] : s.labels) {
      std::snprintf(
          line, sizeof line, " %9lld  %5.1f %%\n", static_cast<long long>(count),
          s.samples ? 100.0 * static_cast<double>(count) / static_cast<double>(s.samples) : 0.0);
      out << "    " << name << std::string(width - name.size(), ' ') << line;
    }
  }
  constexpr std::size_t kShown = 5;
  if (!s.duplicates.empty()) {
    out << "  equal images (sample = earlier sample):";
    for (std::size_t i = 0; i < std::min(kShown, s.duplicates.size()); i++)
      out << ' ' << s.duplicates[i].first << " = " << s.duplicates[i].second;
    out << (s.duplicates.size() > kShown ? " ...\n" : "\n");
  }
  if (!s.constant.empty()) {
    out << "  images of one colour:";
    for (std::size_t i = 0; i < std::min(kShown, s.constant.size()); i++)
      out << ' ' << s.constant[i];
    out << (s.constant.size() > kShown ? " ...\n" : "\n");
  }
  if (s.problems.empty()) out << "  nothing wrong was found\n";
  for (const auto& problem : s.problems) out << "  ! " << problem << "\n";
  return out.str();
}

std::string to_json(const SourceSummary& s) {
  using Json = nlohmann::ordered_json;
  Json fields = Json::array(), labels = Json::array();
  for (const FieldSummary& f : s.fields) {
    Json channels = Json::array();
    if (s.samples > 0)
      for (const ChannelSummary& c : f.channels)
        channels.push_back({{"min", c.min}, {"max", c.max}, {"mean", c.mean}, {"std", c.std}});
    fields.push_back({{"name", f.name},
                      {"dtype", name_of(f.dtype)},
                      {"shape", std::vector<std::int64_t>(f.shape.begin(), f.shape.end())},
                      {"channels", channels}});
  }
  for (const auto& [name, count] : s.labels)
    labels.push_back({{"class", name}, {"samples", count}});
  const Json all = {{"name", s.name},        {"samples", s.samples},       {"fields", fields},
                    {"labels", labels},      {"duplicates", s.duplicates}, {"constant", s.constant},
                    {"problems", s.problems}};
  // Names come from file systems and need not be UTF-8.
  return all.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lacuna
