#pragma once
#include "../index.h"

namespace lacuna::LACUNA_NS {

/// scatter_add that passes over rows whose index is `skipped` (negative: none).
void scatter_add_but(const ScatterAdd&, std::int64_t skipped, Stream);

}  // namespace lacuna::LACUNA_NS
