#include "shared.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "asan.h"
#include "device/config.cuh"
#include "engine.h"
#include "memory.h"

namespace lacuna::emu::detail {

void* SharedMemory::get(const void* key, const char* name, std::size_t bytes,
                        std::size_t alignment) {
  auto it =
      std::find_if(arrays_.begin(), arrays_.end(), [&](const Array& a) { return a.key == key; });
  if (it == arrays_.end()) {
    std::size_t total = bytes;
    for (const Array& a : arrays_) total += a.bytes;
    if (total > kMaxShared)
      kernel_error("shared array " + std::string(name) + " makes it " + std::to_string(total) +
                   " bytes of shared memory, of " + std::to_string(kMaxShared));
    // Exact size under AddressSanitizer, guard bands otherwise.
    const std::size_t front = asan::kOn ? 0 : std::max(alignment, kBand),
                      back = asan::kOn ? 0 : kBand;
    void* block = nullptr;
    if (posix_memalign(&block, std::max(alignment, sizeof(void*)),
                       std::max<std::size_t>(front + bytes + back, 1)) != 0)
      throw std::bad_alloc();
    char* const data = static_cast<char*>(block) + front;
    if (!asan::kOn) {
      fill_band(data - kBand, kBand);
      fill_band(data + bytes, kBand);
    }
    arrays_.push_back({key, name, bytes, static_cast<char*>(block), data, false});
    it = arrays_.end() - 1;
  }
  if (!it->used) {
    std::memset(it->data, 0xff, bytes);
    it->used = true;
  }
  return it->data;
}

const char* SharedMemory::end_block() {
  const char* broken = nullptr;
  for (Array& a : arrays_) {
    if (!asan::kOn && a.used &&
        (broken_at(a.data - kBand, kBand) >= 0 || broken_at(a.data + a.bytes, kBand) >= 0))
      broken = a.name;
    a.used = false;
  }
  return broken;
}

void SharedMemory::clear() {
  for (Array& a : arrays_) std::free(a.block);
  arrays_.clear();
}

}  // namespace lacuna::emu::detail
