#pragma once
// A row's random words, and the positions that have the smallest of them.
#include <vector>

#include "../random.h"

namespace lacuna::cpu {

class RowWords {
 public:
  /// Words 0 .. n - 1 of the row (sample, view).
  void draw(RandomKey key, std::uint64_t sample, std::uint64_t view, std::int64_t n);
  std::uint32_t operator[](std::int64_t e) const { return words_[e]; }

  /// Of the positions that are 1 in `open` (n of them) those with the `count` smallest words stay 1, of equal words the
  /// first; all of them where there are no more than that.
  void keep_smallest(std::int64_t count, std::uint8_t* open);

 private:
  std::int64_t n_ = 0;
  std::vector<std::uint32_t> words_;
  std::vector<std::uint64_t> order_;  // word and position in one number
};

}  // namespace lacuna::cpu
