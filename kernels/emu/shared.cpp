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
    const std::size_t end = arrays_.empty() ? 0 : arrays_.back().address + arrays_.back().bytes;
    const std::size_t address = (end + alignment - 1) / alignment * alignment;
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
    arrays_.push_back({key,
                       name,
                       bytes,
                       static_cast<char*>(block),
                       data,
                       static_cast<std::uint32_t>(address),
                       false,
                       {}});
    it = arrays_.end() - 1;
  }
  if (!it->used) {
    std::memset(it->data, 0xff, bytes);
    it->view.clear();
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

SharedMemory::Array* SharedMemory::holding(const void* p) {
  const auto* const c = static_cast<const char*>(p);
  for (Array& a : arrays_)
    if (a.used && c >= a.data && c < a.data + a.bytes) return &a;
  return nullptr;
}

SharedMemory::Array& SharedMemory::holding(std::uint32_t address, std::size_t bytes,
                                           const char* what) {
  for (Array& a : arrays_)
    if (a.used && address >= a.address && address + bytes <= a.address + a.bytes) return a;
  kernel_error(std::string(what) + ": " + std::to_string(bytes) + " bytes at address " +
               std::to_string(address) + " are not all inside one shared array");
}

std::uint32_t SharedMemory::address_of(const void* p, const char* what) {
  const Array* const a = holding(p);
  if (!a) kernel_error(std::string(what) + ": a pointer that is not to shared memory");
  return a->address + static_cast<std::uint32_t>(static_cast<const char*>(p) - a->data);
}

char* SharedMemory::at(std::uint32_t address, std::size_t bytes, const char* what) {
  const Array& a = holding(address, bytes, what);
  return a.data + (address - a.address);
}

std::string SharedMemory::name_of(const void* p, std::size_t element) {
  const Array* const a = holding(p);
  if (!a) return "?";
  const std::size_t offset = static_cast<std::size_t>(static_cast<const char*>(p) - a->data);
  return std::string(a->name) + "[" + std::to_string(offset / element) + "]";
}

void SharedMemory::fence() {
  for (Array& a : arrays_) {
    if (!a.used) continue;
    if (a.view.empty())
      a.view.assign(a.data, a.data + a.bytes);
    else if (std::memcmp(a.view.data(), a.data, a.bytes) != 0)
      std::memcpy(a.view.data(), a.data, a.bytes);
  }
}

// A view that begins without a fence has seen no plain write: it is the poison that the memory was at first.
char* SharedMemory::view_of(std::uint32_t address, std::size_t bytes, const char* what) {
  Array& a = holding(address, bytes, what);
  if (a.view.empty()) a.view.assign(a.bytes, static_cast<char>(0xff));
  return a.view.data() + (address - a.address);
}

bool SharedMemory::stale(std::uint32_t address, std::size_t bytes, const char* what) {
  return std::memcmp(view_of(address, bytes, what), at(address, bytes, what), bytes) != 0;
}

void SharedMemory::write(std::uint32_t address, const void* from, std::size_t bytes,
                         const char* what) {
  std::memcpy(at(address, bytes, what), from, bytes);
  std::memcpy(view_of(address, bytes, what), from, bytes);
}

}  // namespace lacuna::emu::detail
