#pragma once
// Which of a row's positions stay visible: exactly `count` of them, every such subset equally likely. Position e has word e of
// the row (random.h), and the positions with the smallest words are kept, of equal words the first: the subset that sorting
// the words would give (random masking in He et al. 2022, "Masked autoencoders are scalable vision learners").
#include "random_fill.h"

namespace lacuna {

struct RandomSubset {
  static constexpr const char* op = "random_subset";
  Array kept;  // out, (rows, count) i64: the kept positions, ascending
  Array
      places;  // out, (rows, length) i64: where in its row of `kept` a position stands, or -1 where it is not there
  Array hidden;    // out, (rows, length) u8: 1 where it is not kept
  Array ids = {};  // optional: (rows, 2) i64, contiguous; without it row r is sample r of view 0
  RandomKey key;
};

void validate(const RandomSubset&);

}  // namespace lacuna
