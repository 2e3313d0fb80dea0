#pragma once
// launch({.grid = blocks, .block = threads}, kernel, arguments...) on the host: see ../engine.h. Returns when the grid
// has run, or has been recorded. A kernel without barriers, shuffles and votes may say .barriers = false and then runs as plain loops.
#include <new>
#include <tuple>
#include <type_traits>

#include "../engine.h"
#include "config.cuh"
#include "intrinsics.cuh"

namespace lacuna::emu {

template <class... Parameters, class... Arguments>
void launch_kernel(const char* text, const LaunchConfig& config, void (*kernel)(Parameters...),
                   Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments),
                "launch: one argument for each parameter");
  static_assert((std::size_t{0} + ... + sizeof(Parameters)) <= kMaxParameterBytes);
  struct Call {
    void (*kernel)(Parameters...);
    std::tuple<Parameters...> parameters;
  } call{kernel, {static_cast<Parameters>(arguments)...}};
  static_assert((std::is_trivially_destructible_v<Parameters> && ...));
  const detail::Arguments packed{&call, sizeof(Call), [](void* to, const void* from) {
                                   new (to) Call(*static_cast<const Call*>(from));
                                 }};
  detail::start_grid(
      text, config,
      [](void* c) { std::apply(static_cast<Call*>(c)->kernel, static_cast<Call*>(c)->parameters); },
      packed);
}

}  // namespace lacuna::emu

#define launch(...) ::lacuna::emu::launch_kernel(#__VA_ARGS__, __VA_ARGS__)
