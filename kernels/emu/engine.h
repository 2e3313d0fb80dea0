#pragma once
// The engine that runs a grid on the host: blocks one after another in random order, the threads of a block as fibers,
// each running until it waits or ends, the next one drawn at random. Equal seeds give equal orders. One engine a host
// thread; its fibers are kept from launch to launch.
//
// Measured (EmuCore.Cost, g++ 12 -O3, Boost 1.74, a shared 2-core Xeon): a block-wide barrier 40 to 60 ns a thread, a
// shuffle 65 to 105 ns a lane; under AddressSanitizer 190 to 410 and 300 to 540. Of a barrier 9 ns is the bare switch.
#include <cstddef>
#include <cstdint>
#include <string>

#include "device/config.cuh"

namespace lacuna::emu {

/// Order of blocks and threads from here on, on all host threads. The start is LACUNA_EMU_SEED, or 1.
void set_seed(std::uint64_t seed);

struct Index3 {
  unsigned x = 0, y = 0, z = 0;
};

/// A place in a kernel's source.
struct Site {
  const char* file = "";
  int line = 0;
  static constexpr Site here(const char* f = __builtin_FILE(), int l = __builtin_LINE()) {
    return {f, l};
  }
};

// What the headers in device/ are made of. All of it is about the block that this host thread runs.
namespace detail {

using Body = void (*)(void* arguments);

/// What a launch hands to its threads, and how to copy it to memory of that size, aligned to 256 bytes.
struct Arguments {
  void* data;
  std::size_t bytes;
  void (*copy)(void* to, const void* from);
};
/// Runs body once for each thread of the grid; throws the first error, with no fiber left inside the kernel. During a
/// recording (graph.h) it is kept for the replay instead.
void start_grid(const char* text, const LaunchConfig& config, Body body,
                const Arguments& arguments);

enum class Vote { none, any, all, count };
/// __syncthreads and its votes.
int block_barrier(const char* what, Site at, Vote vote = Vote::none, bool value = false);

/// Each lane in `mask` gives 8 bytes and gets those of lane `source`; bytes 0xff where that lane takes no part.
std::uint64_t warp_exchange(const char* what, Site at, unsigned mask, std::uint64_t value,
                            int source);
/// The lanes in `mask` whose value is true.
unsigned warp_ballot(const char* what, Site at, unsigned mask, bool value);
int lane();
/// All 32 lanes meet; the last to come calls work() with each lane's argument, while the others wait.
void warp_collective(const char* what, Site at, void* argument, void (*work)(void* const* lanes));

/// The block's array for this key: exactly so many bytes, poisoned with 0xff (NaN) when a block first asks.
void* shared_array(const void* key, const char* name, std::size_t bytes, std::size_t alignment);
void* dynamic_shared(Site at);

/// Lets other threads of the block run.
void yield();

/// Throws "[emu] text, in kernel k, block (..), thread (..)".
[[noreturn]] void kernel_error(const std::string& text);

}  // namespace detail
}  // namespace lacuna::emu
