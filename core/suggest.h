#pragma once
// For errors about names: of one that is not known the known one that is nearest, and of many the first few.
#include <string>
#include <string_view>
#include <vector>

namespace lacuna {

/// The candidate that is fewest edits away from `name` (letters put in, taken out or replaced, neighbours exchanged),
/// where that is at most a third of the name's length, or 2; else empty.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

/// " (did you mean \"shapes\"?)", or nothing where none is near.
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

/// "cat, dog, frog, horse and 6 more"; all of them where there are no more than five.
std::string some_of(const std::vector<std::string>& names);
/// Their number before them: "10 (cat, dog, frog, horse and 6 more)"; "0".
std::string counted(const std::vector<std::string>& names);

}  // namespace lacuna
