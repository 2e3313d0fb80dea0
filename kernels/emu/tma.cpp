// Copies of boxes: to shared memory when every thread waits, in a random order; out of it when their group is waited for.
#include <algorithm>
#include <cstring>

#include "engine_impl.h"

namespace lacuna::emu::detail {
namespace {

constexpr const char* kWhat = "cp.async.bulk.tensor";

// The global address of coordinate 0 of a box's line, were dimension 0 to begin there; null outside the region.
char* line_of(const BoxCopy& c, std::int64_t line) {
  const TensorRegion& r = c.region;
  std::int64_t at[kMaxRegionDims] = {};
  if (r.im2col) {
    const auto bases = [&](int axis) {
      return (r.shape[1 + axis] - 1 + r.upper[axis] - r.lower[axis]) / r.step[axis] + 1;
    };
    // The number of the base in the image row, in the image, and of the image.
    const std::int64_t x = (c.at[1] - r.lower[0]) / r.step[0] + line;
    const std::int64_t y = (c.at[2] - r.lower[1]) / r.step[1] + x / bases(0);
    at[1] = r.lower[0] + x % bases(0) * r.step[0] + c.tap[0];
    at[2] = r.lower[1] + y % bases(1) * r.step[1] + c.tap[1];
    at[3] = c.at[3] + y / bases(1);
  } else {
    for (int d = 1; d < r.rank; line /= r.box[d++]) at[d] = c.at[d] + line % r.box[d];
  }
  char* start = static_cast<char*>(r.data);
  for (int d = 1; d < r.rank; d++) {
    if (at[d] < 0 || at[d] >= r.shape[d]) return nullptr;
    start += at[d] * r.strides[d];
  }
  return start;
}

// Calls f(offset in the box, place in global memory or null outside the region, bytes) for 16 bytes at a time, or one
// element where they are not all inside.
template <class F>
void each_unit(const BoxCopy& c, F f) {
  const TensorRegion& r = c.region;
  const auto element = static_cast<std::int64_t>(size_of(r.dtype));
  const std::int64_t per_unit = 16 / element, lines = r.box_bytes() / (r.box[0] * element);
  for (std::int64_t line = 0; line < lines; line++) {
    char* const start = line_of(c, line);
    const bool inside = start != nullptr;
    for (std::int64_t first = 0; first < r.box[0]; first += per_unit) {
      const std::int64_t offset = (line * r.box[0] + first) * element;
      if (inside && c.at[0] + first >= 0 && c.at[0] + first + per_unit <= r.shape[0]) {
        f(static_cast<std::uint32_t>(offset), start + (c.at[0] + first) * element, 16);
        continue;
      }
      for (std::int64_t j = 0; j < per_unit; j++) {
        const std::int64_t i = c.at[0] + first + j;
        f(static_cast<std::uint32_t>(offset + j * element),
          inside && i >= 0 && i < r.shape[0] ? start + i * element : nullptr, element);
      }
    }
  }
}

// In shared memory the swizzle is one of addresses; a box's start has none of the bits that it changes.
std::uint32_t place(const BoxCopy& c, std::uint32_t start, std::uint32_t offset) {
  return start + swizzled(offset, c.region.swizzle);
}

std::uint32_t checked_address(Engine& e, const void* p, const BoxCopy& c) {
  const std::uint32_t address = e.shared.address_of(p, kWhat);
  const std::uint32_t alignment =
      std::max<std::uint32_t>(128, c.region.swizzle == Swizzle::none ? 0 : 1024);
  if (address % alignment != 0)
    kernel_error(std::string(kWhat) + ": a box in shared memory at address " +
                 std::to_string(address) + ", not a multiple of " + std::to_string(alignment));
  e.shared.at(address, static_cast<std::size_t>(c.region.box_bytes()), kWhat);
  return address;
}

std::string started_at(const Index3& thread, Site at) {
  return ", started by thread (" + std::to_string(thread.x) + ", " + std::to_string(thread.y) +
         ", " + std::to_string(thread.z) + ") in line " + std::to_string(at.line);
}

void read_box(Engine& e, TensorCopies::Store& s) {
  const auto bytes = static_cast<std::size_t>(s.copy.region.box_bytes());
  s.box.resize(bytes);
  for (std::uint32_t offset = 0; offset < bytes; offset += 16) {
    const std::uint32_t from = place(s.copy, s.from, offset);
    if (e.shared.stale(from, 16, kWhat))
      kernel_error(
          std::string(kWhat) +
          ": a store reads shared memory that was written without fence.proxy.async behind it" +
          started_at(s.index, s.site));
    std::memcpy(s.box.data() + offset, e.shared.at(from, 16, kWhat), 16);
  }
  s.read = true;
}

void write_box(const TensorCopies::Store& s) {
  each_unit(s.copy, [&](std::uint32_t offset, char* to, std::int64_t bytes) {
    if (to) std::memcpy(to, s.box.data() + offset, static_cast<std::size_t>(bytes));
  });
}

}  // namespace

bool TensorCopies::loads_for(const std::uint64_t* barrier) const {
  return std::any_of(loads.begin(), loads.end(),
                     [&](const Load& l) { return l.barrier == barrier; });
}

void TensorCopies::clear() {
  loads.clear();
  stores.clear();
  if (std::exchange(committed, false)) std::fill(groups.begin(), groups.end(), 0);
}

bool TensorCopies::deliver(Engine& e) {
  if (loads.empty()) return false;
  const auto it = loads.begin() + static_cast<std::ptrdiff_t>(e.random(loads.size()));
  const Load load = *it;
  loads.erase(it);
  threadIdx = load.thread;
  each_unit(load.copy, [&](std::uint32_t offset, const char* from, std::int64_t bytes) {
    constexpr char kZeros[16] = {};
    e.shared.write(place(load.copy, load.to, offset), from ? from : kZeros,
                   static_cast<std::size_t>(bytes), kWhat);
  });
  complete_bytes(e, *load.barrier, load.copy.region.box_bytes());
  return true;
}

void TensorCopies::end_block(Engine& e) {
  if (!loads.empty())
    kernel_error("the block has ended, but not a tensor copy to shared memory" +
                 started_at(loads[0].thread, loads[0].site));
  for (Store& s : stores) {
    if (!s.read)
      kernel_error(
          std::string("the block has ended, but a store may still read shared memory: no ") +
          (s.group < 0 ? "cp.async.bulk.commit_group" : "cp.async.bulk.wait_group.read") +
          " behind it" + started_at(s.index, s.site));
    write_box(s);
  }
}

void load_box(void* to, const BoxCopy& copy, std::uint64_t& barrier, Site at) {
  Engine& e = engine();
  e.enter(kWhat, at);
  const std::uint32_t address = checked_address(e, to, copy);
  check_fenced(e, barrier, kWhat);
  // Nobody may read what is not there yet.
  const std::vector<char> poison(static_cast<std::size_t>(copy.region.box_bytes()),
                                 static_cast<char>(0xff));
  e.shared.write(address, poison.data(), poison.size(), kWhat);
  e.async.copies.loads.push_back({copy, address, &barrier, threadIdx, at});
}

void store_box(const void* from, const BoxCopy& copy, Site at) {
  Engine& e = engine();
  const Thread& self = e.enter(kWhat, at);
  e.async.copies.stores.push_back(
      {copy, checked_address(e, from, copy), self.number, -1, false, {}, threadIdx, at});
}

void commit_stores(Site at) {
  Engine& e = engine();
  const int me = e.enter("cp.async.bulk.commit_group", at).number;
  for (TensorCopies::Store& s : e.async.copies.stores)
    if (s.thread == me && s.group < 0) s.group = e.async.copies.groups[me];
  e.async.copies.groups[me]++;
  e.async.copies.committed = true;
}

void wait_stores(int pending, bool only_read, Site at) {
  Engine& e = engine();
  const int me = e.enter("cp.async.bulk.wait_group", at).number;
  auto& stores = e.async.copies.stores;
  const auto awaited = [&, last = e.async.copies.groups[me] - pending](const auto& s) {
    return s.thread == me && s.group >= 0 && s.group < last;
  };
  for (TensorCopies::Store& s : stores)
    if (awaited(s) && !s.read) read_box(e, s);
  if (only_read) return;
  for (const TensorCopies::Store& s : stores)
    if (awaited(s)) write_box(s);
  stores.erase(std::remove_if(stores.begin(), stores.end(), awaited), stores.end());
}

}  // namespace lacuna::emu::detail
