#pragma once
// Shared memory: exact size, NaN at first, one allocation an array. The address of a static says which array it is,
// and differs between instantiations of a template.
#include "../engine.h"
#include "intrinsics.cuh"

#define LACUNA_SHARED(T, name, dims)                                                      \
  static char name##_key;                                                                 \
  typedef T name##_shared dims;                                                           \
  static_assert(std::is_trivially_default_constructible_v<name##_shared>,                 \
                "shared memory takes trivial types");                                     \
  name##_shared& name = *static_cast<name##_shared*>(::lacuna::emu::detail::shared_array( \
      &name##_key, #name, sizeof(name##_shared),                                          \
      alignof(name##_shared) < 16 ? 16 : alignof(name##_shared)))

namespace lacuna::emu {

template <class T>
T* dynamic_shared(Site at = Site::here()) {
  return static_cast<T*>(detail::dynamic_shared(at));
}

}  // namespace lacuna::emu
