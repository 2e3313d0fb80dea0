#pragma once
// Lanes on the host. A copy happens as late as it may: when what needs it joins the lane. Data that is used without
// waiting, or host memory that is overwritten too early, shows in the numbers.
#include <cstddef>

namespace lacuna::emu {

void* open_lane(int index);
void close_lane(void* lane);
void* allocate_host(std::size_t bytes);
void release_host(void* data);
void lane_copy(void* lane, void* to, const void* from, std::size_t bytes);
void join_lane(void* lane);

}  // namespace lacuna::emu
