#include "strand.h"

#include <sys/mman.h>

#include <new>

namespace lacuna::emu {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kStack = asan::kOn ? 256 * 1024 : 64 * 1024;  // red zones make frames larger

struct NoFree {  // the strand frees its stack itself
  void deallocate(boost::context::stack_context&) {}
};

}  // namespace

void Strand::create(int number, void (*body)(void*), void* owner) {
  void* map = mmap(nullptr, kStack + kPage, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (map == MAP_FAILED) throw std::bad_alloc();
  base_ = map;
  mprotect(map, kPage, PROT_NONE);
  char* const bottom = static_cast<char*>(map) + kPage;
  stack_bottom_ = bottom;
  stack_bytes_ = kStack;
  boost::context::stack_context context;
  context.sp = bottom + kStack - static_cast<std::size_t>(number % 64) * 64;
  context.size = static_cast<std::size_t>(static_cast<char*>(context.sp) - bottom);
  suspended_ = boost::context::fiber(
      std::allocator_arg, boost::context::preallocated(context.sp, context.size, context), NoFree{},
      [this, body, owner](boost::context::fiber&& left) {
        note_arrival(std::move(left), nullptr);
        body(owner);
        leaving_ = nullptr;
        asan::leave(nullptr, after_->stack_bottom_, after_->stack_bytes_);
        return std::move(after_->suspended_);
      });
}

Strand::~Strand() {
  if (!base_) return;
  asan::forget(base_, kStack + kPage);
  munmap(base_, kStack + kPage);
}

}  // namespace lacuna::emu
