#pragma once
// Lines of metrics.jsonl and eval.jsonl, flattened: {"hidden": {"model": {"mse": 0.1}}} is number "hidden.model.mse", and
// {"sets": ["test"]} is text "sets.0".
#include <map>
#include <string>
#include <vector>

namespace lacuna::tools {

struct Record {
  std::map<std::string, double> numbers;  // null is NaN
  std::map<std::string, std::string> texts;

  /// NaN, or "", where there is no such entry.
  double number(const std::string& name) const;
  std::string text(const std::string& name) const;
};

/// The texts NAME.0, NAME.1, ... of a list.
std::vector<std::string> texts_of(const Record& record, const std::string& name);

/// Every line of a .jsonl file; none where there is no file. A last line without its end (the run was killed while writing
/// it) is left out; other damage is an Error with the line's number.
std::vector<Record> read_records(const std::string& path);

}  // namespace lacuna::tools
