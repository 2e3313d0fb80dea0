#pragma once
// A Source that remembers what it has read: for sources whose samples are computed or decoded.
#include <memory>

#include "../core/batch.h"

namespace lacuna {

/// `source`, with each sample kept in memory from its first read on; `source` itself where all of it would take more
/// than `limit` bytes.
std::unique_ptr<Source> cached(std::unique_ptr<Source> source,
                               std::int64_t limit = std::int64_t{1} << 30);

}  // namespace lacuna
