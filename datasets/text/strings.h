#pragma once
// Numbers strings in the order in which they come: 0, 1, 2, ... Open addressing over one array, the bytes in another.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lacuna::text {

class Strings {
 public:
  std::int32_t size() const { return static_cast<std::int32_t>(begin_.size()) - 1; }
  std::string_view operator[](std::int32_t number) const {
    const std::uint64_t begin = begin_[number];
    return std::string_view(bytes_).substr(begin, begin_[number + 1] - begin);
  }

  /// The string's number; -1 where it has none.
  std::int32_t find(std::string_view s) const {
    if (slots_.empty()) return -1;
    return slots_[slot_of(s, hash(s))].number;
  }

  /// The string's number, a new one where it has none.
  std::int32_t add(std::string_view s) {
    if (static_cast<std::size_t>(size()) * 2 >= slots_.size()) grow();
    const std::uint32_t h = hash(s);
    Slot& slot = slots_[slot_of(s, h)];
    if (slot.number < 0) {
      slot = {h, size()};
      bytes_ += s;
      begin_.push_back(bytes_.size());
    }
    return slot.number;
  }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t number = -1;
  };

  static std::uint32_t hash(std::string_view s) {
    return static_cast<std::uint32_t>(std::hash<std::string_view>()(s));
  }
  // Where the string is, or would be.
  std::size_t slot_of(std::string_view s, std::uint32_t h) const {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = h & mask;; i = (i + 1) & mask) {
      const Slot& slot = slots_[i];
      if (slot.number < 0 || (slot.hash == h && (*this)[slot.number] == s)) return i;
    }
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : 2 * slots_.size());
    old.swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.number < 0) continue;
      std::size_t i = slot.hash & mask;
      while (slots_[i].number >= 0) i = (i + 1) & mask;
      slots_[i] = slot;
    }
  }

  std::vector<Slot> slots_;  // a power of two of them, at most half of them taken
  std::vector<std::uint64_t> begin_{0};
  std::string bytes_;
};

}  // namespace lacuna::text
