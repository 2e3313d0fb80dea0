#pragma once
#include <string>

namespace lacuna::lab {

/// Which rungs are wanted; empty: all of them.
struct Choice {
  std::string family, rung;
  bool takes(const std::string& f, const std::string& r) const {
    return (family.empty() || family == f) && (rung.empty() || rung == r);
  }
};

/// Times the rungs at the anchors on cuda and prints a table; where a folder is given, writes lab.json and lab.md to it. `roof`: the
/// cuda.json of a run whose ceilings are taken over; empty: they are measured. False where
/// a rung's results there are not those of the library's kernel. Throws where this build cannot time.
bool time_ladders(const Choice& choice, const std::string& folder, const std::string& roof);

}  // namespace lacuna::lab
