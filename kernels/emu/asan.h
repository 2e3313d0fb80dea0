#pragma once
// AddressSanitizer must be told about every switch of stacks; without it these are empty.
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define LACUNA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LACUNA_ASAN 1
#endif
#endif

#if defined(LACUNA_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace lacuna::emu::asan {

#if defined(LACUNA_ASAN)
inline constexpr bool kOn = true;
/// Before a switch. `fake_stack` keeps what belongs to the stack being left; null: it is left for good.
inline void leave(void** fake_stack, const void* to_bottom, std::size_t to_bytes) {
  __sanitizer_start_switch_fiber(fake_stack, to_bottom, to_bytes);
}
/// After it, on the new stack. Says where the stack that was left lies.
inline void enter(void* fake_stack, const void** from_bottom, std::size_t* from_bytes) {
  __sanitizer_finish_switch_fiber(fake_stack, from_bottom, from_bytes);
}
/// Frames that were left by a switch and never returned keep their red zones: a stack's memory must be wiped of them.
inline void forget(void* stack, std::size_t bytes) { __asan_unpoison_memory_region(stack, bytes); }
#else
inline constexpr bool kOn = false;
inline void leave(void**, const void*, std::size_t) {}
inline void enter(void*, const void**, std::size_t*) {}
inline void forget(void*, std::size_t) {}
#endif

}  // namespace lacuna::emu::asan
