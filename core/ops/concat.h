#pragma once
// Tensors put together and taken apart along a dimension.
#include <vector>

#include "../tensor.h"

namespace lacuna {

/// One tensor of all parts along `dim`, in order; they agree in every other dimension and in dtype and device. Any dtype.
Tensor concat(const std::vector<Tensor>& parts, int dim = 0);
/// concat along a new dimension: (2, ...) of two parts for dim = 0.
Tensor stack(const std::vector<Tensor>& parts, int dim = 0);
/// Views of consecutive pieces of `dim` with the given sizes, which add up to its size.
std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, int dim = 0);
/// split into `count` pieces of one size, which must come out even.
std::vector<Tensor> chunk(const Tensor& x, std::int64_t count, int dim = 0);

}  // namespace lacuna
