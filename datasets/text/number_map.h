#pragma once
// A map from 64-bit keys to 32-bit numbers, made once and then looked into very often: open addressing, no deletion.
#include <cstdint>
#include <vector>

namespace lacuna::text {

class NumberMap {
 public:
  /// -1 where the key is not there.
  std::int32_t find(std::uint64_t key) const {
    if (slots_.empty()) return -1;
    return slots_[slot_of(key)].value;
  }

  /// The value of a key, -1 where it is new; to be set to what is not negative before the next call.
  std::int32_t& operator[](std::uint64_t key) {
    if (size_ * 2 >= slots_.size()) grow();
    Slot& slot = slots_[slot_of(key)];
    if (slot.value < 0) slot.key = key, size_++;
    return slot.value;
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::int32_t value = -1;
  };

  std::size_t slot_of(std::uint64_t key) const {
    const std::size_t mask = slots_.size() - 1;
    const std::uint64_t mixed = key * 0x9E3779B97F4A7C15u;  // Fibonacci hashing
    for (std::size_t i = (mixed ^ mixed >> 32) & mask;; i = (i + 1) & mask)
      if (slots_[i].value < 0 || slots_[i].key == key) return i;
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : 2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.value >= 0) slots_[slot_of(slot.key)] = slot;
  }

  std::vector<Slot> slots_;  // a power of two of them, at most half of them taken
  std::size_t size_ = 0;
};

}  // namespace lacuna::text
