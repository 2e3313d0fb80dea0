#pragma once
// How the kernels that draw by row split their work.
#include <algorithm>

#include "../array.h"
#include "../random.h"
#include "parallel.h"

namespace lacuna::cpu {

constexpr std::int64_t kDraws = 1024;  // words that a kernel draws at a time, into L1

/// What a row's words belong to: ids (rows, 2), or sample `row` of view 0 where there are none.
struct RowId {
  std::uint64_t sample, view;
  RowId(const Array& ids, std::int64_t row)
      : sample(static_cast<std::uint64_t>(ids ? ids.as<std::int64_t>()[2 * row] : row)),
        view(static_cast<std::uint64_t>(ids ? ids.as<std::int64_t>()[2 * row + 1] : 0)) {}
};

/// Where a run of at most kDraws elements of one row stands: the first is number 4 * block of the row, and `at` in memory.
struct Run {
  std::int64_t at, count;
  std::uint64_t block, sample, view;
};

/// Calls body(Run) for runs that together cover an array of `rows` rows of n elements, on all threads.
template <class Body>
void each_run(std::int64_t rows, std::int64_t n, const Array& ids, Body&& body) {
  const std::int64_t runs = (n + kDraws - 1) / kDraws;  // a row
  parallel_for(rows * runs, grain_for(1.0 * static_cast<double>(std::min(n, kDraws))),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; i++) {
                   const std::int64_t row = i / runs, from = i % runs * kDraws;
                   const RowId id(ids, row);
                   body(Run{row * n + from, std::min(kDraws, n - from),
                            static_cast<std::uint64_t>(from / 4), id.sample, id.view});
                 }
               });
}

}  // namespace lacuna::cpu
