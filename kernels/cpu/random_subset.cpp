// Random subsets of a row's positions, on cpu.
//   traffic      17 bytes written a position, 8 a kept one; words stay in L1
//   determinism  a row depends on its sample and view alone
#include "../random_subset.h"

#include "draw.h"
#include "select.h"

namespace lacuna::cpu {

void random_subset(const RandomSubset& a, Stream) {
  const std::int64_t rows = a.places.dim(0), length = a.places.dim(1), count = a.kept.dim(1);
  const double ns = 10 * static_cast<double>(length) + 1;
  parallel_for(rows, grain_for(ns), [&](std::int64_t begin, std::int64_t end) {
    RowWords words;
    std::vector<std::uint8_t> keep(length);
    for (std::int64_t row = begin; row < end; row++) {
      const RowId id(a.ids, row);
      words.draw(a.key, id.sample, id.view, length);
      std::fill(keep.begin(), keep.end(), std::uint8_t{1});
      words.keep_smallest(count, keep.data());
      std::int64_t* const kept = a.kept.as<std::int64_t>() + row * count;
      std::int64_t* const places = a.places.as<std::int64_t>() + row * length;
      std::uint8_t* const hidden = a.hidden.as<std::uint8_t>() + row * length;
      for (std::int64_t e = 0, rank = 0; e < length; e++) {
        hidden[e] = !keep[e];
        places[e] = keep[e] ? rank : -1;
        if (keep[e]) kept[rank++] = e;
      }
    }
  });
}

}  // namespace lacuna::cpu
