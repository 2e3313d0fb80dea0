#pragma once
// A strand is something that can be switched away from and back to: the caller of launch(), or one emulated CUDA
// thread. Switches go straight from strand to strand, so a barrier costs one switch a thread.
#include <boost/context/fiber.hpp>
#include <utility>

#include "asan.h"

namespace lacuna::emu {

class Strand {
 public:
  Strand() = default;
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;
  ~Strand();

  /// Gives the strand a stack of its own on which body(owner) will run at the first switch. `number` staggers the
  /// stacks' tops: without that they would all compete for the same few cache lines.
  void create(int number, void (*body)(void*), void* owner);

  /// Leaves this strand, which must be the running one, for `to`. Returns when somebody switches back. Inline, as are
  /// its callers up to the barrier: a return after a switch is one that the processor mispredicts.
  void switch_to(Strand& to) {
    leaving_ = this;
    asan::leave(&fake_stack_, to.stack_bottom_, to.stack_bytes_);
    boost::context::fiber left = std::move(to.suspended_).resume();
    note_arrival(std::move(left), fake_stack_);
  }
  /// When body returns: the strand that goes on.
  void finish_into(Strand& to) { after_ = &to; }

 private:
  static inline thread_local constinit Strand* leaving_ = nullptr;

  static void note_arrival(boost::context::fiber&& left, void* fake_stack) {
    const void* bottom = nullptr;
    std::size_t bytes = 0;
    asan::enter(fake_stack, &bottom, &bytes);
    if (!leaving_) return;  // it has finished
    leaving_->suspended_ = std::move(left);
    if (asan::kOn) {
      leaving_->stack_bottom_ = bottom;
      leaving_->stack_bytes_ = bytes;
    }
  }

  boost::context::fiber suspended_;
  Strand* after_ = nullptr;
  void* base_ = nullptr;  // of the mapping; the lowest page is a guard
  const void* stack_bottom_ = nullptr;
  std::size_t stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
};

}  // namespace lacuna::emu
