#include "memory.h"

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include "../graph_pool.h"
#include "../held_bytes.h"
#include "asan.h"
#include "graph.h"

namespace lacuna::emu {
namespace {

constexpr std::size_t kFront =
    256;  // keeps the data aligned as cudaMalloc does; a header, then the band

struct Header {
  Header *previous, *next;
  std::size_t bytes;
  char* data() { return reinterpret_cast<char*>(this) + kFront; }
};

struct Live {
  std::mutex mutex;
  Header* first = nullptr;
};
Live& live() {
  static auto* l = new Live;  // never destroyed: tensors in static storage may outlive it
  return *l;
}

void* aligned(std::size_t alignment, std::size_t bytes) {
  void* p = nullptr;
  if (posix_memalign(&p, alignment, bytes ? bytes : 1) != 0) throw std::bad_alloc();
  return p;
}

}  // namespace

namespace detail {

// Halves of 0xffa5: a NaN as f32 and as bf16, so that a stray read shows too, and unlike what kernels write.
static char band_byte(const char* p) {
  return static_cast<char>(reinterpret_cast<std::uintptr_t>(p) & 1 ? 0xff : 0xa5);
}

void fill_band(char* from, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i++) from[i] = band_byte(from + i);
}

std::ptrdiff_t broken_at(const char* from, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i++)
    if (from[i] != band_byte(from + i)) return static_cast<std::ptrdiff_t>(i);
  return -1;
}

std::string broken_allocation() {
  if constexpr (asan::kOn) return {};
  Live& l = live();
  std::lock_guard lock(l.mutex);
  for (Header* h = l.first; h; h = h->next) {
    char* const ends[2] = {h->data() - kBand, h->data() + h->bytes};
    for (int side = 0; side < 2; side++) {
      const std::ptrdiff_t at = broken_at(ends[side], kBand);
      if (at < 0) continue;
      fill_band(ends[side], kBand);  // so that it is reported once
      return side ? std::to_string(at) + " bytes past the end of an allocation of " +
                        std::to_string(h->bytes) + " bytes"
                  : std::to_string(static_cast<std::ptrdiff_t>(kBand) - at) +
                        " bytes before an allocation of " + std::to_string(h->bytes) + " bytes";
    }
  }
  return {};
}

}  // namespace detail

namespace {

void* fresh(std::size_t bytes) {
  if constexpr (asan::kOn) return aligned(256, bytes);
  auto* header = static_cast<Header*>(aligned(256, kFront + bytes + detail::kBand));
  header->bytes = bytes;
  char* const data = header->data();
  detail::fill_band(data - detail::kBand, detail::kBand);
  detail::fill_band(data + bytes, detail::kBand);
  Live& l = live();
  std::lock_guard lock(l.mutex);
  header->previous = nullptr;
  header->next = l.first;
  if (l.first) l.first->previous = header;
  l.first = header;
  return data;
}

}  // namespace

void* allocate(std::size_t bytes, int) {
  GraphPool* const pool = GraphPool::current();
  void* data = pool ? pool->reuse(bytes) : nullptr;
  if (!data) {
    data = fresh(bytes);
    HeldBytes::of(DeviceType::emu).take(bytes);
    if (pool) pool->add(data, bytes);
  }
  const auto poison = [=] { std::memset(data, 0xff, bytes); };
  poison();
  if (recording()) record(poison);  // and again in every replay
  return data;
}

void release(void* data, std::size_t bytes, int) {
  if (!data || GraphPool::keep(data, bytes)) return;
  HeldBytes::of(DeviceType::emu).give_back(bytes);
  if constexpr (asan::kOn) return std::free(data);
  auto* header = reinterpret_cast<Header*>(static_cast<char*>(data) - kFront);
  {
    Live& l = live();
    std::lock_guard lock(l.mutex);
    (header->previous ? header->previous->next : l.first) = header->next;
    if (header->next) header->next->previous = header->previous;
  }
  std::free(header);
}

}  // namespace lacuna::emu
