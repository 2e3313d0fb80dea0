#pragma once
// Shared memory. LACUNA_SHARED(float, tile, [32][33]); declares an array that the block shares, at 16 aligned bytes; T must be trivial.
// dynamic_shared<T>() is the launch's shared_bytes, 1024-byte aligned.

#define LACUNA_SHARED(T, name, dims) __shared__ __align__(16) T name dims

namespace lacuna::cuda {

template <class T>
__device__ inline T* dynamic_shared() {
  extern __shared__ __align__(1024) unsigned char lacuna_dynamic_shared[];
  return reinterpret_cast<T*>(lacuna_dynamic_shared);
}

}  // namespace lacuna::cuda
