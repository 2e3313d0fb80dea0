#pragma once
// Elements picked by index tensors. An index is i64 with values in [0, size of the dimension); one that is out of range
// is an error that names the value and where it stands. Gradients add up in a fixed order: the same bits every time.
#include "../tensor.h"

namespace lacuna {

/// y[.., i, ..] = x[.., index[.., i, ..], ..] along `dim`: y has index's shape, which is x's in every other dimension.
Tensor gather(const Tensor& x, int dim, const Tensor& index);
/// The slices index[0], index[1], ... of dimension `dim`; index (m). Any dtype.
Tensor index_select(const Tensor& x, int dim, const Tensor& index);
/// x with slice i of `source` added to its slice index[i], for each i in turn; index (m), and source is x's shape with
/// size m in dimension `dim`.
Tensor index_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source);

namespace detail {
/// Fails unless index is i64 with every value in [0, size).
void check_index(const char* op, const Tensor& index, std::int64_t size);
}  // namespace detail

}  // namespace lacuna
