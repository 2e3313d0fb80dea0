#pragma once
#include <string>

#include "../../kernels/error.h"

namespace lacuna::test {

/// The text with N for the line numbers that follow ".cu:" and ".cuh:".
inline std::string without_lines(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i++) {
    out += text[i];
    const auto ends_with = [&](const std::string& end) {
      return out.size() >= end.size() && out.compare(out.size() - end.size(), end.size(), end) == 0;
    };
    if (!ends_with(".cu:") && !ends_with(".cuh:")) continue;
    out += 'N';
    while (i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9') i++;
  }
  return out;
}

/// The text of the Error that f throws, without line numbers; empty where it throws none.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return without_lines(e.what());
  }
  return "";
}

}  // namespace lacuna::test
