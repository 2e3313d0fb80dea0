#pragma once
// Twin of cuda/device/async.cuh: a copy happens at the wait, and its place is NaN until then.
#include <vector>

#include "intrinsics.cuh"

namespace lacuna::emu {

class AsyncCopies {
 public:
  void copy16(void* to, const void* from, int bytes) {
    check_aligned(to, 16);
    check_aligned(from, 16);
    std::memset(to, 0xff, 16);
    copies_.push_back({to, from, static_cast<std::size_t>(bytes)});
  }
  void wait() {
    for (const Copy& c : copies_) {
      std::memset(c.to, 0, 16);
      std::memcpy(c.to, c.from, c.bytes);
    }
    copies_.clear();
  }

 private:
  struct Copy {
    void* to;
    const void* from;
    std::size_t bytes;
  };
  std::vector<Copy> copies_;
};

}  // namespace lacuna::emu
