// The first byte is the number of dimensions that are asked for, the rest an idx file.
#include "../../datasets/images/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lacuna;
  if (size == 0) return 0;
  try {
    const Idx idx = parse_idx({data + 1, size - 1}, data[0] % 4 + 1, "input");
    std::uint64_t count = 1;
    for (std::int64_t s : idx.shape) count *= static_cast<std::uint64_t>(s);
    if (count != idx.values.size()) __builtin_trap();
  } catch (const Error&) {
  }
  return 0;
}
