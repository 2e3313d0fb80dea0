#pragma once
// Twin of cuda/device/async.cuh: a copy happens at the wait, and its place is NaN until then.
#include <vector>

#include "intrinsics.cuh"

namespace lacuna::emu {

class AsyncCopies {
 public:
  void copy16(void* to, const void* from, int bytes) { start(to, from, bytes, 16); }
  void copy4(void* to, const void* from, int bytes) { start(to, from, bytes, 4); }
  void commit() { groups_.push_back(copies_.size()); }
  template <int kPending>
  void wait_but() {
    constexpr std::size_t kLeft = kPending;
    if (groups_.size() > kLeft) finish(groups_.size() - kLeft);
  }
  void wait() {
    commit();
    finish(groups_.size());
  }

 private:
  struct Copy {
    void* to;
    const void* from;
    std::size_t bytes, size;
  };
  std::vector<Copy> copies_;
  std::vector<std::size_t> groups_;  // where each ends in copies_

  void start(void* to, const void* from, int bytes, std::size_t size) {
    check_aligned(to, size);
    check_aligned(from, size);
    std::memset(to, 0xff, size);
    copies_.push_back({to, from, static_cast<std::size_t>(bytes), size});
  }
  void finish(std::size_t groups) {
    const std::size_t count = groups_[groups - 1];
    for (std::size_t i = 0; i < count; i++) {
      const Copy& c = copies_[i];
      std::memset(c.to, 0, c.size);
      std::memcpy(c.to, c.from, c.bytes);
    }
    copies_.erase(copies_.begin(), copies_.begin() + static_cast<std::ptrdiff_t>(count));
    groups_.erase(groups_.begin(), groups_.begin() + static_cast<std::ptrdiff_t>(groups));
    for (std::size_t& end : groups_) end -= count;
  }
};

}  // namespace lacuna::emu
