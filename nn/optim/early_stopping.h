#pragma once
#include <cstdint>
#include <limits>

namespace lacuna {

/// Says when a figure that should fall (a validation loss) has stopped falling: after `patience` observations in a row that
/// are not below the best so far by more than `min_delta`. NaN never counts as better.
struct EarlyStopping {
  std::int64_t patience = 0;  // 0: never stops
  double min_delta = 0;

  double best = std::numeric_limits<double>::infinity();
  std::int64_t bad = 0;  // observations since the best one

  /// True where the value is the best so far.
  bool observe(double value) {
    if (value < best - min_delta) {
      best = value;
      bad = 0;
      return true;
    }
    bad++;
    return false;
  }
  bool should_stop() const { return patience > 0 && bad >= patience; }
};

}  // namespace lacuna
