#include "memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define LACUNA_EXACT_ALLOCATIONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LACUNA_EXACT_ALLOCATIONS 1
#endif
#endif

namespace lacuna::cpu {
namespace {

[[maybe_unused]] constexpr std::size_t kHuge = std::size_t{2} << 20;

// Sizes are rounded up to four steps a power of two, so that a kept block wastes at most a fifth.
[[maybe_unused]] std::size_t rounded(std::size_t bytes) {
  if (bytes <= 256) return (bytes + 63) / 64 * 64;
  std::size_t step = std::size_t{1} << (61 - __builtin_clzll(bytes - 1));
  return (bytes + step - 1) / step * step;
}

struct Kept {
  std::mutex mutex;
  std::unordered_map<std::size_t, std::vector<void*>> blocks;
};
Kept& kept() {
  static auto* k = new Kept;  // never destroyed: tensors in static storage may outlive it
  return *k;
}

}  // namespace

void* allocate(std::size_t bytes, int) {
#if defined(LACUNA_EXACT_ALLOCATIONS)
  void* exact = nullptr;  // AddressSanitizer sees every byte past the end
  if (posix_memalign(&exact, 64, bytes ? bytes : 1) != 0) throw std::bad_alloc();
  return exact;
#else
  const std::size_t size = rounded(bytes ? bytes : 1);
  {
    Kept& k = kept();
    std::lock_guard lock(k.mutex);
    auto it = k.blocks.find(size);
    if (it != k.blocks.end() && !it->second.empty()) {
      void* block = it->second.back();
      it->second.pop_back();
      return block;
    }
  }
  void* block = nullptr;
  const bool huge = size >= kHuge;
  if (posix_memalign(&block, huge ? kHuge : 64, size) != 0) {
    trim();
    if (posix_memalign(&block, huge ? kHuge : 64, size) != 0) throw std::bad_alloc();
  }
#if defined(MADV_HUGEPAGE)
  if (huge) madvise(block, size, MADV_HUGEPAGE);
#endif
  return block;
#endif
}

void release(void* data, std::size_t bytes, int) {
#if defined(LACUNA_EXACT_ALLOCATIONS)
  std::free(data);
#else
  Kept& k = kept();
  std::lock_guard lock(k.mutex);
  k.blocks[rounded(bytes ? bytes : 1)].push_back(data);
#endif
}

void trim() {
  Kept& k = kept();
  std::lock_guard lock(k.mutex);
  for (auto& [size, blocks] : k.blocks)
    for (void* block : blocks) std::free(block);
  k.blocks.clear();
}

}  // namespace lacuna::cpu
