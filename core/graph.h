#pragma once
// Work of a device, recorded once and replayed with one call: a CUDA graph (on emu a list of launches). It spares the host
// the time between small kernels. For a replay to do what the work would do,
//   the work exchanges no data with the host: no item(), no Tensor::from. An Error
//   numbers that came from the host (keys of random numbers, lr) are those of the recording: one that changes must lie in
//   a tensor that is written before the replay
//   tensors from outside are read where they lay: new data is copied into them (Tensor::copy_from)
// Tensors that the work makes lie in memory that is the graph's as long as it lives; each replay overwrites them.
#include <functional>

#include "../kernels/array.h"

namespace lacuna {

class Graph {
 public:
  /// Records what work() launches; nothing runs yet. An Error where the device has no graphs, or the work is not such.
  Graph(Device device, const std::function<void()>& work);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Behind what was launched before, and does not wait for it.
  void replay();

  /// Whether this thread is inside of a recording.
  static bool recording();
  static bool possible(Device device);

 private:
  Device device_;
  void* graph_ = nullptr;
};

}  // namespace lacuna
