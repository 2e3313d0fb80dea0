#pragma once
// What a matrix product or a convolution may still do to an element before it is stored.
#include <cstdint>

namespace lacuna {

/// relu costs nothing; sigmoid and tanh cost a pass over results that are still in cache.
enum class Epilogue : std::uint8_t { none, relu, sigmoid, tanh };

}  // namespace lacuna
