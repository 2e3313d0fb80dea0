#pragma once
// Host memory: blocks are kept by size and handed out again, because touching fresh pages costs
// more than most kernels.
#include <cstddef>

namespace lacuna::cpu {

/// 64-byte aligned; 2 MB aligned and in huge pages where large. Throws std::bad_alloc.
void* allocate(std::size_t bytes, int index);
void release(void* data, std::size_t bytes, int index);
/// Gives every kept block back to the system.
void trim();

}  // namespace lacuna::cpu
