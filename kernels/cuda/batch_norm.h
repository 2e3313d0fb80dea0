#pragma once
// Batch norm's moments, for kernels that have them already in parts.
#include "../array.h"

namespace lacuna::LACUNA_NS {

/// mean and centred (C) of `rows` rows from those of each `chunk` rows: partial (chunks, 2, C).
void join_moments(const Array& mean, const Array& centred, const float* partial, std::int64_t rows,
                  std::int64_t chunk, Stream stream);

}  // namespace lacuna::LACUNA_NS
