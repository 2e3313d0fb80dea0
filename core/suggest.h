#pragma once
// For errors about a name that is not known: the known one that is nearest.
#include <string>
#include <string_view>
#include <vector>

namespace lacuna {

/// The candidate with the smallest edit distance (Levenshtein 1966) to `name`, where that is at most a third of the
/// name's length, or 2; else empty.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

/// " (did you mean \"shapes\"?)", or nothing where none is near.
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace lacuna
