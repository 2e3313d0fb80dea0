#include "scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "format.h"

namespace lacuna::tools {

std::string percent(double mean, double deviation) {
  if (!std::isfinite(mean)) return "-";
  return std::isfinite(deviation) ? fmt::format("{:.1f} ± {:.1f}", 100 * mean, 100 * deviation)
                                  : fmt::format("{:.1f}", 100 * mean);
}

nlohmann::ordered_json to_json(const std::vector<LabelScore>& trials) {
  const LabelScore mean = mean_of(trials), deviation = deviation_of(trials);
  nlohmann::ordered_json json = {{"accuracy", mean.accuracy},
                                 {"accuracy_std", deviation.accuracy},
                                 {"f1", mean.f1},
                                 {"f1_std", deviation.f1}};
  for (const LabelScore& s : trials) json["trials"].push_back({s.accuracy, s.f1});
  return json;
}

std::string score_cell(const Record& r, const std::string& key, const char* figure) {
  const std::string name = key + "." + figure;
  return "<td class=\"n\">" + percent(r.number(name), r.number(name + "_std")) + "</td>";
}

std::set<std::int64_t> numbers_of_labels(const Record& r) {
  const std::string first = "labels.";
  std::set<std::int64_t> numbers;
  for (auto it = r.numbers.lower_bound(first);
       it != r.numbers.end() && it->first.rfind(first, 0) == 0; ++it)
    numbers.insert(std::atoll(it->first.c_str() + first.size()));
  return numbers;
}

std::string votes(std::int64_t k, const std::set<std::int64_t>& labels) {
  if (labels.empty()) return grouped(k);
  const std::int64_t fewest = std::min(k, *labels.begin()), most = std::min(k, *labels.rbegin());
  return fewest == most ? grouped(most) : grouped(fewest) + " to " + grouped(most);
}

}  // namespace lacuna::tools
