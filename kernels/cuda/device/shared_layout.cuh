#pragma once
// How the tensor copies (tma.cuh) and the tensor cores (wgmma.cuh) lay a tile out in shared memory. Not a twin: kernels,
// emu and tests compute with the same functions.
#include <device/intrinsics.cuh>

namespace lacuna::LACUNA_NS {

/// A tile's lines are span() bytes. The number of a 16-byte unit in its line is XORed with bits 7, 8, 9 of the address (as
/// many as the number has), so that neither lines nor columns of units collide in the banks (PTX ISA, "Swizzling modes").
/// The pattern repeats every 8 * span() bytes, to which tiles are aligned.
enum class Swizzle { none, b32, b64, b128 };

/// Bytes of a line; without a swizzle those of one unit.
LACUNA_HD constexpr std::uint32_t span(Swizzle s) { return 16u << static_cast<int>(s); }

/// Where the byte `offset` of a tile lies, counted from the tile's start.
LACUNA_HD constexpr std::uint32_t swizzled(std::uint32_t offset, Swizzle s) {
  return offset ^ (offset >> 7 & ((1u << static_cast<int>(s)) - 1)) << 4;
}

/// Along which of its dimensions an operand of a product is contiguous: K, or M (of A) and N (of B).
enum class Major { k, mn };

/// PTX ISA, "Matrix Descriptor Format" of wgmma: what a product reads of shared memory, as units of 16 bytes ("Strides").
/// With U = span() / 16 units a line, row r and unit u of a K-major operand, u = 0, 1, are at
///   start + r % 8 * U + r / 8 * stride + u             (Swizzle::none: + u * leading)
/// and of an MN-major one, whose unit u is elements 8 u .. 8 u + 7 of M or N, k = 0 .. 15, at
///   start + u % U + u / U * leading + k % 8 * U + k / 8 * stride      (none: stride and leading change places)
/// `start` is an address of shared memory; leading and stride are in bytes. Advancing by 16 of k adds to start.
LACUNA_HD constexpr std::uint64_t matrix_descriptor(std::uint32_t start, std::uint32_t leading,
                                                    std::uint32_t stride, Swizzle s) {
  const auto encode = [](std::uint32_t bytes) { return std::uint64_t{(bytes & 0x3ffffu) >> 4}; };
  const auto mode = static_cast<std::uint64_t>(4 - static_cast<int>(s)) & 3;
  return encode(start) | encode(leading) << 16 | encode(stride) << 32 | mode << 62;
}

/// The descriptor of what lies `bytes` behind; a multiple of 16.
LACUNA_HD constexpr std::uint64_t advance(std::uint64_t descriptor, std::uint32_t bytes) {
  return descriptor + (bytes >> 4);
}

}  // namespace lacuna::LACUNA_NS
