#pragma once
// A training step as a graph (core/graph.h): the first one runs as it is and warms everything up, the next one is recorded,
// and from then on the recording is replayed. A new epoch, whose random numbers have another key, is recorded anew; a batch
// that is smaller than those before (an epoch's last) runs as it is. The results have the same bits either way.
#include <functional>
#include <memory>
#include <vector>

#include "../core/context.h"
#include "../core/graph.h"
#include "../core/staging.h"
#include "../nn/optim/optimizer.h"

namespace lacuna {

class CapturedStep {
 public:
  /// What a step works on, and its results; all of it on the device, without waiting for it.
  using Work = std::function<std::vector<Tensor>(const Batch&)>;

  CapturedStep(Context& context, const std::vector<std::unique_ptr<Optimizer>>& optimizers)
      : context_(context), optimizers_(optimizers) {}

  /// work(batch), with context.ids the batch's, by itself or as a replay. The results are good until the next call.
  std::vector<Tensor> run(const Staged& batch, const Work& work);
  std::int64_t replays() const { return replays_; }

 private:
  void record(const Staged& batch, const Work& work);

  Context& context_;
  const std::vector<std::unique_ptr<Optimizer>>& optimizers_;
  std::unique_ptr<Graph> graph_;
  Staged inputs_;                // what the graph reads
  std::vector<Tensor> results_;  // what it writes
  std::int64_t epoch_ = 0;       // that it was recorded in
  std::int64_t rows_ = 0;        // of the largest batch so far; one of them has run
  std::int64_t replays_ = 0;
};

}  // namespace lacuna
