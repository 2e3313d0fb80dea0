#pragma once
// For errors about a name that is not known: the known one that is nearest.
#include <string>
#include <string_view>
#include <vector>

namespace lacuna {

/// The candidate that is fewest edits away from `name` (letters put in, taken out or replaced, neighbours exchanged),
/// where that is at most a third of the name's length, or 2; else empty.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

/// " (did you mean \"shapes\"?)", or nothing where none is near.
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace lacuna
