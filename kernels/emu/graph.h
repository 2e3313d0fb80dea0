#pragma once
// A graph on the host: the launches, fills and copies of a recording, each with a copy of its arguments, replayed in order.
// Nothing runs while it is recorded, as on a GPU, and memory that the recording allocated starts every replay as NaN: a
// step that reads a result too early, or what another replay left behind, shows.
#include <cstddef>
#include <functional>

#include "engine.h"

namespace lacuna::emu {

void begin_recording(int index);
void* end_recording();
void replay(void* graph);
void release_graph(void* graph);

bool recording();
void record(std::function<void()> work);

/// Does it now or, while this thread records, in the replays.
template <class Work>
void run_or_record(const Work& work) {
  recording() ? record(work) : work();
}

}  // namespace lacuna::emu
