#pragma once
// MNIST's idx files as bytes, for open_idx() and for the fuzzer.
#include "bytes.h"

namespace lacuna {

/// An array of unsigned bytes.
struct Idx {
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> values;
};

/// Format: two zero bytes, the type (08, u8, is the only one accepted), the number of dimensions, each size as a
/// big-endian u32, then the values and nothing more. Fails where the dimensions are not `ndim`. gzip data is unpacked
/// first.
Idx parse_idx(ByteSpan file, int ndim, const std::string& name);

}  // namespace lacuna
