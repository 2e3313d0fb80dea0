#include "../backend.h"

#include <cstring>

#include "memory.h"

namespace lacuna {
namespace cpu {
#define KERNEL(name, Args) void name(const Args&, Stream);
#include "../kernels.def"
#undef KERNEL
}  // namespace cpu

const Backend* cpu_backend() {
  static const Backend backend = {
      "cpu",
      {cpu::allocate, cpu::release,
       [](void* to, const void* from, std::size_t bytes) {
         if (bytes != 0) std::memcpy(to, from, bytes);  // an empty vector may have no address
       },
       [](void* to, const void* from, std::size_t bytes, Stream) {
         if (bytes != 0) std::memcpy(to, from, bytes);
       },
       [](void* data, std::size_t bytes, Stream) { std::memset(data, 0, bytes); }},
      {
#define KERNEL(name, Args) .name = &cpu::name,
#include "../kernels.def"
#undef KERNEL
      },
      [] { return 1; },
      [] { return std::string(); }};
  return &backend;
}

}  // namespace lacuna
