#pragma once
// emu's device memory: every allocation has exactly its size and starts as bytes 0xff, which is NaN. Under
// AddressSanitizer the red zones watch its ends; without, guard bands do, looked at after every kernel.
#include <cstddef>
#include <cstdint>
#include <string>

namespace lacuna::emu {

void* allocate(std::size_t bytes, int index);
void release(void* data, std::size_t bytes, int index);

namespace detail {

inline constexpr std::size_t kBand = 64;  // bytes on either side
void fill_band(char* from, std::size_t bytes);
/// Offset of the first overwritten byte, or -1.
std::ptrdiff_t broken_at(const char* from, std::size_t bytes);

/// Empty, or what was written outside its allocation since the last call ("... 4 bytes past the end of ...").
std::string broken_allocation();

}  // namespace detail
}  // namespace lacuna::emu
