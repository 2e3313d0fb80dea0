#include "graph.h"

#include "../kernels/backend.h"

namespace lacuna {
namespace {

thread_local bool inside = false;

const Recording& of(Device device) { return detail::backend_for("graph", device).recording; }

}  // namespace

Graph::Graph(Device device, const std::function<void()>& work) : device_(device) {
  const Recording& recording = of(device);
  LACUNA_CHECK(recording.begin, "graph", "only cuda and emu have graphs: got ", device);
  recording.begin(device.index);
  inside = true;
  try {
    work();
  } catch (...) {
    inside = false;
    try {
      recording.release(recording.end());
    } catch (const Error&) {  // the recording had broken before the work did
    }
    throw;
  }
  inside = false;
  graph_ = recording.end();
}

Graph::~Graph() { of(device_).release(graph_); }

void Graph::replay() { of(device_).replay(graph_); }

bool Graph::recording() { return inside; }
bool Graph::possible(Device device) { return of(device).begin != nullptr; }

}  // namespace lacuna
