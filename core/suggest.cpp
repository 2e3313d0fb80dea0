#include "suggest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace lacuna {

// Edits that make b of a: a letter put in, taken out or replaced, or two neighbours exchanged (Damerau 1964; no place
// is edited twice).
static std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, last(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); i++) {
    before = std::move(last);
    last = row;
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); j++) {
      row[j] = std::min({last[j - 1] + (a[i - 1] != b[j - 1]), last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t least = std::string_view::npos;
  for (const auto& c : candidates) {
    const std::size_t d = edit_distance(name, c);
    if (d <= std::max<std::size_t>(2, name.size() / 3) && d < least) {
      least = d;
      best = c;
    }
  }
  return best;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string near = nearest(name, candidates);
  return near.empty() ? "" : " (did you mean \"" + near + "\"?)";
}

std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kFew = 4;
  const std::size_t shown = names.size() <= kFew + 1 ? names.size() : kFew;
  std::string list;
  for (std::size_t i = 0; i < shown; i++) list += (i ? ", " : "") + names[i];
  if (shown < names.size()) list += " and " + std::to_string(names.size() - shown) + " more";
  return list;
}

std::string counted(const std::vector<std::string>& names) {
  return std::to_string(names.size()) + (names.empty() ? "" : " (" + some_of(names) + ")");
}

}  // namespace lacuna
