#pragma once
// A few of a source's samples, as a source of its own: the lists of rows that representations are compared by where labels are
// few (labelled.h, balanced_order).
#include <memory>

#include "../core/batch.h"

namespace lacuna {

/// Sample i is sample rows[i] of `source`, all else as it is. Fails on a row that is not there.
std::unique_ptr<Source> some_rows(std::shared_ptr<const Source> source,
                                  std::vector<std::int64_t> rows);

}  // namespace lacuna
