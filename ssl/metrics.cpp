#include "metrics.h"

#include <sys/stat.h>

#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>

#include "../core/files.h"

namespace lacuna {

std::string to_json_line(const Metrics& metrics) {
  nlohmann::ordered_json line;
  for (const auto& [name, value] : metrics) {
    if (!std::isfinite(value))
      line[name] = nullptr;
    else if (value == std::floor(value) && std::fabs(value) < 1e15)
      line[name] = static_cast<std::int64_t>(value);
    else
      line[name] = value;
  }
  return line.dump();
}

MetricsFile::MetricsFile(std::string path)
    : path_(std::move(path)), file_(std::fopen(path_.c_str(), "ab")) {
  if (!file_) fail_io("train", "open", path_, errno);
}

MetricsFile::~MetricsFile() { std::fclose(file_); }

void MetricsFile::write(const Metrics& metrics) {
  const std::string line = to_json_line(metrics) + "\n";
  if (std::fwrite(line.data(), 1, line.size(), file_) != line.size() || std::fflush(file_) != 0)
    fail_io("train", "write", path_, errno);
}

double cut_metrics(const std::string& path, const std::function<bool(std::int64_t)>& keep) {
  double seconds = 0;
  struct stat about;
  if (::stat(path.c_str(), &about) != 0) return seconds;
  const std::string text = read_file(path);
  std::string kept;
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string_view words = std::string_view(text).substr(at, end + 1 - at);
    const auto line = nlohmann::json::parse(words, nullptr, false);
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number_integer()) continue;
    if (!line.contains("protocol") && !keep(line["step"].get<std::int64_t>())) continue;
    kept += words;
    if (line.contains("seconds") && line["seconds"].is_number())
      seconds = line["seconds"].get<double>();
  }
  write_file(path, kept);
  return seconds;
}

}  // namespace lacuna
