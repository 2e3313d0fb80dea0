#pragma once
// Lanes (kernels/backend.h) as a stream for copies beside the default one, with an event in either direction.
#include <cstddef>

namespace lacuna::cuda {

void* open_lane(int index);
void close_lane(void* lane);
void* allocate_host(std::size_t bytes);
void release_host(void* data);
void lane_copy(void* lane, void* to, const void* from, std::size_t bytes);
void join_lane(void* lane);
void recycle_lane(void* lane);

}  // namespace lacuna::cuda
