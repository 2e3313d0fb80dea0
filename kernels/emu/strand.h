#pragma once
// A strand is something that can be switched away from and back to: the caller of launch(), or one emulated CUDA
// thread. Switches go straight from strand to strand, so a barrier costs one switch a thread.
#include <boost/context/fiber.hpp>

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
  bool created() const { return base_ != nullptr; }

  /// Leaves this strand, which must be the running one, for `to`. Returns when somebody switches back.
  void switch_to(Strand& to);
  /// When body returns: the strand that goes on.
  void finish_into(Strand& to) { after_ = &to; }

 private:
  static thread_local Strand* leaving_;
  static void note_arrival(boost::context::fiber&& left, void* fake_stack);

  boost::context::fiber suspended_;
  Strand* after_ = nullptr;
  void* base_ = nullptr;  // of the mapping; the lowest page is a guard
  const void* stack_bottom_ = nullptr;
  std::size_t stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
};

}  // namespace lacuna::emu
