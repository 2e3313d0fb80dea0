#pragma once
// What the tasks of text share: which positions are predicted, and how often tokens are.
#include <cmath>
#include <limits>

#include "task.h"

namespace lacuna {

/// Positions of a batch of rows of which something is predicted, so that only these meet the vocabulary.
struct Targets {
  Tensor
      places;  // (m) i64: row * length + position; undefined where all n * length positions are meant
  Tensor tokens;  // (m) i64: what is to be predicted there
  std::int64_t count = 0;

  /// hidden (n, length, width) to (m, width).
  Tensor rows_of(const Tensor& hidden) const;
};
/// The token after each position of windows (n, length + 1) of which the first lengths[i] are there.
Targets next_tokens(const Tensor& windows, const Tensor& lengths);
/// Labels (n, length), wherever they are not `ignored`.
Targets labelled(const Tensor& labels, std::int64_t ignored);

/// The field of that name, i64 and of one dimension; otherwise an error of `task`, which says what data it wants.
const Field& token_field(const DataInfo& data, const char* task);

/// How often each token is among those that a task predicts: all of "tokens" from position `first` to "length", without
/// `special` ones. Of more than 65,536 samples so many are counted, evenly spread.
std::vector<std::int64_t> count_tokens(const Source& source, std::int64_t first,
                                       const std::vector<std::int64_t>& special);
/// In nats; NaN where there is nothing.
double entropy_of(const std::vector<std::int64_t>& counts);

/// Says once that a loss stays at what the frequencies of tokens alone give: the commonest way in which text models fail.
class PlateauWatch {
 public:
  /// `key` is looked up in each line of the log; within 2 % of `plateau` for five lines gives the warning.
  std::string see(const Metrics& logged, const std::string& key, double plateau);

 private:
  int lines_ = 0;
};

}  // namespace lacuna
