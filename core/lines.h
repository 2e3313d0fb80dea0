#pragma once
// Tables in text: lines, and the fields of a line.
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lacuna {

/// What lies between any of the characters of `between`; a line without one is one field.
inline std::vector<std::string_view> fields_of(std::string_view line, std::string_view between) {
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0;;) {
    const std::size_t end = std::min(line.find_first_of(between, begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    if (end == line.size()) return fields;
    begin = end + 1;
  }
}

inline bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\f\v") == std::string_view::npos;
}

/// Calls line(number, text), from line 1 on, without the newline and without a carriage return before it.
template <class Line>
void each_line(std::string_view text, Line&& line) {
  std::int64_t number = 1;
  for (std::size_t begin = 0; begin < text.size(); number++) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view one = text.substr(begin, end - begin);
    if (!one.empty() && one.back() == '\r') one.remove_suffix(1);
    line(number, one);
    begin = end + 1;
  }
}

}  // namespace lacuna
