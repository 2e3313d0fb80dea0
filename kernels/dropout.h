#pragma once
// Inverted dropout: y = x / (1 - p) where the element is kept, which has probability 1 - p, and 0 elsewhere. Backward is
// the same kernel on dy: what is kept is a function of key, ids and element (random.h) and is drawn again, never stored.
// Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014.
#include "random_fill.h"

namespace lacuna {

struct Dropout {
  static constexpr const char* op = "dropout";
  Array y;         // out; may be x
  Array x;         // (rows, ...), contiguous
  Array ids = {};  // optional: (rows, 2) i64; without it row r is sample r of view 0
  RandomKey key;
  double p = 0.5;
};

void validate(const Dropout&);

}  // namespace lacuna
