#include "records.h"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "../core/files.h"
#include "../kernels/error.h"

namespace lacuna::tools {
namespace {

void flatten(const nlohmann::json& json, const std::string& prefix, Record& into) {
  for (const auto& [key, value] : json.items()) {
    const std::string name = prefix + key;
    if (value.is_structured())
      flatten(value, name + ".", into);
    else if (value.is_number())
      into.numbers[name] = value.get<double>();
    else if (value.is_null())
      into.numbers[name] = std::nan("");
    else if (value.is_string())
      into.texts[name] = value.get<std::string>();
  }
}

}  // namespace

double Record::number(const std::string& name) const {
  const auto it = numbers.find(name);
  return it == numbers.end() ? std::nan("") : it->second;
}

std::string Record::text(const std::string& name) const {
  const auto it = texts.find(name);
  return it == texts.end() ? "" : it->second;
}

std::vector<std::string> texts_of(const Record& record, const std::string& name) {
  std::vector<std::string> all;
  for (auto it = record.texts.find(name + ".0"); it != record.texts.end();
       it = record.texts.find(name + "." + std::to_string(all.size())))
    all.push_back(it->second);
  return all;
}

std::vector<Record> read_records(const std::string& path) {
  std::vector<Record> records;
  if (!std::filesystem::exists(path)) return records;
  const std::string text = read_file(path);
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < text.size(); line++) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;
    const auto json =
        nlohmann::json::parse(text.begin() + static_cast<std::ptrdiff_t>(begin),
                              text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    LACUNA_CHECK(json.is_object(), "report", path, ":", line + 1, ": not a JSON object");
    records.emplace_back();
    flatten(json, "", records.back());
    begin = end + 1;
  }
  return records;
}

}  // namespace lacuna::tools
