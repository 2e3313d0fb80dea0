// Random subsets of a row's positions
//   math         kernels/random_subset.h
//   shapes       kept (rows, count), places (rows, length) i64, hidden (rows, length) u8, contiguous
//   traffic      17 bytes written a position and 8 a kept one; words are drawn into registers (beyond 8,192 positions again for
//                every pass, of which there are about log2 length + 2)
//   launch       device/select.cuh: a warp a row up to 1,024 positions, else a block; votes instead of sorting
//   determinism  yes: the same subset as on cpu
//   checked by   tests/ops/random_subset.cpp, tests/emu/random.cpp
//   measured     not measured
#include "../random_subset.h"

#include <device/select.cuh>

namespace lacuna::LACUNA_NS {
namespace {

template <class Team, int V>
__global__ void __launch_bounds__(Team::kThreads)
    subset_kernel(std::int64_t* kept, std::int64_t* places, std::uint8_t* hidden,
                  const std::int64_t* ids, bool aligned, RandomKey key, std::int64_t rows,
                  std::int64_t length, std::int64_t count) {
  for (std::int64_t row = Team::first_row(); row < rows; row += Team::row_step()) {
    const RowId id(ids, row);
    const auto make = [&](std::int64_t j) {
      const std::int64_t left = length - j;
      return OpenFour{draw(key, static_cast<std::uint64_t>(j / 4), id.sample, id.view),
                      left >= 4  ? 15u
                      : left > 0 ? (1u << left) - 1
                                 : 0u};
    };
    RowFours<Team, V, decltype(make)> fours(length, make);
    fours.each_chosen(fours.smallest(count),
                      [&](std::int64_t j, unsigned chosen, std::int64_t rank) {
                        if (j >= length) return;
                        Vec<std::int64_t, 4> place;
                        Vec<std::uint8_t, 4> hides;
                        LACUNA_UNROLL
                        for (int k = 0; k < 4; k++) {
                          const bool keep = chosen >> k & 1;
                          place.v[k] = keep ? rank : -1;
                          hides.v[k] = !keep;
                          if (keep) kept[row * count + rank++] = j + k;
                        }
                        store_four(places + row * length + j, length - j, aligned, place);
                        store_four(hidden + row * length + j, length - j, aligned, hides);
                      });
  }
}

}  // namespace

void random_subset(const RandomSubset& a, Stream stream) {
  const std::int64_t rows = a.places.dim(0), length = a.places.dim(1);
  const bool aligned = fours_aligned<std::int64_t>(length, {a.places.data}) &&
                       fours_aligned<std::uint8_t>(length, {a.hidden.data});
  by_positions(length, [&](auto team, auto v, Extent block) {
    using Team = decltype(team);
    launch({.grid = Team::blocks(rows), .block = block, .stream = stream},
           subset_kernel<Team, decltype(v)::value>, a.kept.as<std::int64_t>(),
           a.places.as<std::int64_t>(), a.hidden.as<std::uint8_t>(), a.ids.as<std::int64_t>(),
           aligned, a.key, rows, length, a.kept.dim(1));
  });
}

}  // namespace lacuna::LACUNA_NS
