#pragma once
// metrics.jsonl and eval.jsonl: one JSON object a line, each line in the file, whole, before anything else happens.
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace lacuna {

/// One line: names and numbers in order. Not-a-number is written as null.
using Metrics = std::vector<std::pair<std::string, double>>;
std::string to_json_line(const Metrics& metrics);

class MetricsFile {
 public:
  /// Appends to what is there. Errors: a file that cannot be opened.
  explicit MetricsFile(std::string path);
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;
  void write(const Metrics& metrics);

 private:
  std::string path_;
  std::FILE* file_;
};

/// Drops the lines whose step `keep` turns down, and a last one that a kill cut short; lines of an evaluation, which name
/// a "protocol", stay. A file that is missing stays so. Returns the "seconds" of the last line kept, 0 where there is none.
double cut_metrics(const std::string& path, const std::function<bool(std::int64_t step)>& keep);

}  // namespace lacuna
