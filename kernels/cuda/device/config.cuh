#pragma once
// How big a launch is. One source for cuda and emu, so that emu refuses what the hardware would refuse.
#include <cstdint>
#include <string>

#include "../../array.h"
#include "../../error.h"

namespace lacuna::LACUNA_NS {

/// Blocks of a grid or threads of a block. 64-bit, so that a size too large is refused and not cut.
struct Extent {
  std::int64_t x = 1, y = 1, z = 1;
  Extent() = default;
  Extent(std::int64_t x_, std::int64_t y_ = 1, std::int64_t z_ = 1) : x(x_), y(y_), z(z_) {}
  std::int64_t size() const { return x * y * z; }
};

struct LaunchConfig {
  Extent grid = {};  // zero blocks is no work, not an error
  Extent block = {};
  std::size_t shared_bytes = 0;  // what dynamic_shared<T>() points to
  Stream stream = {};
  bool barriers = true;  // false: no barrier, shuffle or vote inside; emu then runs plain loops
};

inline constexpr std::int64_t kMaxThreads = 1024;      // in a block
inline constexpr std::size_t kMaxShared = 227 * 1024;  // sm_90; 163 KB on sm_80
inline constexpr std::size_t kMaxParameterBytes = 4096;

/// The kernel's name out of the source text of launch's arguments, "{.grid = 1}, kernel<T, 4>, x, y".
inline std::string kernel_name(const char* text) {
  int depth = 0, argument = 0;
  std::string name;
  for (const char* p = text; *p; p++) {
    if (*p == ',' && depth == 0) {
      if (++argument == 2) break;
      continue;
    }
    depth += (*p == '(' || *p == '{' || *p == '<') - (*p == ')' || *p == '}' || *p == '>');
    if (argument == 1 && !(name.empty() && *p == ' ')) name += *p;
  }
  return name;
}

/// Throws where the hardware could not run it. True where there is work to do.
inline bool check_launch(const char* text, const LaunchConfig& c) {
  const Extent &g = c.grid, &b = c.block;
  LACUNA_CHECK(g.x >= 0 && g.y >= 0 && g.z >= 0 && g.x < (std::int64_t{1} << 31) && g.y < 65536 &&
                   g.z < 65536,
               "launch", kernel_name(text),
               ": a grid is at most 2147483647 x 65535 x 65535 blocks: got ", g.x, " x ", g.y,
               " x ", g.z);
  LACUNA_CHECK(b.x >= 1 && b.y >= 1 && b.z >= 1 && b.x <= kMaxThreads && b.y <= kMaxThreads &&
                   b.z <= 64 && b.size() <= kMaxThreads,
               "launch", kernel_name(text), ": a block is 1 to 1024 threads, at most 64 deep: got ",
               b.x, " x ", b.y, " x ", b.z);
  LACUNA_CHECK(c.shared_bytes <= kMaxShared, "launch", kernel_name(text), ": a block has at most ",
               kMaxShared, " bytes of shared memory: got ", c.shared_bytes);
  return g.size() > 0;
}

}  // namespace lacuna::LACUNA_NS
