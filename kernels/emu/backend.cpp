// The emu backend: the hand-written CUDA kernels on the host.
#include "../backend.h"

#include <cstring>

#include "memory.h"

namespace lacuna {
namespace emu {
#define KERNEL(name, Args) void name(const Args&, Stream);
#include "../kernels.def"
#undef KERNEL
}  // namespace emu

const Backend* emu_backend() {
  static const Backend backend = {"emu",
                                  {emu::allocate, emu::release,
                                   [](void* to, const void* from, std::size_t bytes) {
                                     if (bytes) std::memcpy(to, from, bytes);
                                   },
                                   [](void* data, std::size_t bytes, Stream) {
                                     if (bytes) std::memset(data, 0, bytes);
                                   }},
                                  {
#define KERNEL(name, Args) .name = &emu::name,
#include "../kernels.def"
#undef KERNEL
                                  },
                                  [] { return 1; },
                                  [] { return std::string(); }};
  return &backend;
}

}  // namespace lacuna
