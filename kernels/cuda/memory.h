#pragma once
// Memory of the CUDA devices. Blocks are kept by size and handed out again: cudaMalloc and cudaFree stall the device.
// A block may be handed out while kernels that used it still run; that is sound because all work of a device goes
// through one stream, in order. What a recorded graph uses stays with it: kernels/graph_pool.h.
#include <cstddef>

#include "../array.h"

namespace lacuna::cuda {

void* allocate(std::size_t bytes, int index);
void release(void* data, std::size_t bytes, int index);
void copy(void* to, const void* from, std::size_t bytes);
void copy_within(void* to, const void* from, std::size_t bytes, Stream stream);
void fill_zero(void* data, std::size_t bytes, Stream stream);
/// Gives every kept block of a device back to it.
void trim(int index);

}  // namespace lacuna::cuda
