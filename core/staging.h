#pragma once
// Batches on their way to a device, one ahead: while the device computes on one, the next is copied beside it, from pinned
// memory. There are two lanes in turns, and neither the host nor the device waits for more than it needs.
//
//   staging.put(loader.next());
//   for (...) {
//     const Staged now = staging.take();    // what is launched from here on waits for the batch, the host does not
//     launch(now);
//     staging.put(loader.next());           // on its way while the device is at work
//     ... read the results of `now` ...
//   }
#include <array>
#include <memory>

#include "batch.h"

namespace lacuna {

/// A batch on its device, with Context::ids of its rows.
struct Staged {
  Batch batch;
  Tensor ids;
};

class Staging {
 public:
  explicit Staging(Device device);
  ~Staging();

  /// Starts to bring a batch to the device. One at a time: take() comes before the next put().
  void put(const Batch& batch);
  /// The batch that was put. It stays as it is until the put() after the next take(), whose place it has.
  Staged take();

 private:
  class Lane;
  Device device_;
  std::array<std::unique_ptr<Lane>, 2> lanes_;  // null where the device reads host memory
  Staged host_;
  int next_ = 0;  // the lane of the next put()
  bool waiting_ = false;
};

}  // namespace lacuna
