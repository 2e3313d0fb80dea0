#pragma once
// Scores of trials (ssl/label_metrics.h) as people and eval.jsonl read them.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "../ssl/label_metrics.h"
#include "records.h"

namespace lacuna::tools {

/// In %: "86.5 ± 0.3", "86.5" where the deviation is not finite, "-" where neither is.
std::string percent(double mean, double deviation);

/// {"accuracy": mean, "accuracy_std": .., "f1": .., "f1_std": .., "trials": [[accuracy, f1], ..]}.
nlohmann::ordered_json to_json(const std::vector<LabelScore>& trials);

/// Of such an object, or of {"accuracy": .., "f1": ..}, under `key` of a line: a cell of an HTML table.
std::string score_cell(const Record& record, const std::string& key, const char* figure);

/// The numbers of labels that a line has figures of: N of its keys labels.N.*, few first.
std::set<std::int64_t> numbers_of_labels(const Record& record);

/// How many of `k` neighbours vote where there are so many labelled samples and no more: "10 to 200", "200".
std::string votes(std::int64_t k, const std::set<std::int64_t>& labels);

}  // namespace lacuna::tools
