#pragma once
// How much memory a backend has handed out: the tensors and, while a kernel runs, what it takes beside its arguments.
#include <atomic>

#include "array.h"

namespace lacuna {

/// Of one device type, over all its devices. The backends of cuda and emu count here.
class HeldBytes {
 public:
  static HeldBytes& of(DeviceType type) {
    static HeldBytes all[3];
    return all[static_cast<int>(type)];
  }
  void take(std::size_t bytes) {
    const std::int64_t now = now_ += static_cast<std::int64_t>(bytes);
    for (std::int64_t most = most_; now > most && !most_.compare_exchange_weak(most, now);) {
    }
  }
  void give_back(std::size_t bytes) { now_ -= static_cast<std::int64_t>(bytes); }

  /// From here on: the most that was held at once, beyond what was held at the start. One at a time.
  class Watch {
   public:
    explicit Watch(HeldBytes& held) : held_(held), before_(held.now_) { held.most_ = before_; }
    std::int64_t most() const { return held_.most_ - before_; }

   private:
    HeldBytes& held_;
    std::int64_t before_;
  };

 private:
  std::atomic<std::int64_t> now_{0}, most_{0};
};

}  // namespace lacuna
