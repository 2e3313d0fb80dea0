#pragma once
#include "../context.h"

namespace lacuna {

/// Some of each row's positions.
struct Subset {
  Tensor kept;  // (rows, count) i64: which ones, ascending
  Tensor
      places;  // (rows, length) i64: where in its row of `kept` a position stands, or -1 where it is not there
  Tensor hidden;  // (rows, length) u8: 1 where it is not kept
};

/// Exactly `count` of the `length` positions of each row, every subset equally likely (the masking of masked autoencoders: of
/// 196 patches 49 stay). A row's subset depends on (seed, `stream`, epoch, sample, view) only: kernels/random_subset.h.
Subset random_subset(std::int64_t rows, std::int64_t length, std::int64_t count,
                     const Context& context, std::string_view stream, Device device = {});

}  // namespace lacuna
