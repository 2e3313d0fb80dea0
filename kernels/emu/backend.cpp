// The emu backend: the hand-written CUDA kernels on the host.
#include "../backend.h"

#include <cstring>

#include "graph.h"
#include "lanes.h"
#include "memory.h"

namespace lacuna {
namespace emu {
#define KERNEL(name, Args) void name(const Args&, Stream);
#include "../kernels.def"
#undef KERNEL

namespace {

void copy_host(void* to, const void* from, std::size_t bytes) {
  LACUNA_CHECK(!recording(), "copy", "a step that is captured cannot exchange data with the host");
  if (bytes) std::memcpy(to, from, bytes);
}

void copy_within(void* to, const void* from, std::size_t bytes, Stream) {
  if (bytes) run_or_record([=] { std::memcpy(to, from, bytes); });
}

void fill_zero(void* data, std::size_t bytes, Stream) {
  if (bytes) run_or_record([=] { std::memset(data, 0, bytes); });
}

}  // namespace
}  // namespace emu

const Backend* emu_backend() {
  using namespace emu;
  static const Backend backend = {
      "emu",
      {emu::allocate, emu::release, copy_host, copy_within, fill_zero},
      {
#define KERNEL(name, Args) .name = &emu::name,
#include "../kernels.def"
#undef KERNEL
      },
      [] { return 1; },
      [] { return std::string(); },
      nullptr,
      {begin_recording, end_recording, replay, release_graph},
      {open_lane, close_lane, allocate_host, release_host, lane_copy, join_lane, join_lane}};
  return &backend;
}

}  // namespace lacuna
