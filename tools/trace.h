#pragma once
// One recorded training step of a task, looked at before its backward: for `plan` and `graph`.
#include <memory>
#include <string>

#include "../core/batch.h"
#include "../ssl/task.h"
#include "options.h"

namespace lacuna::tools {

/// The options that `plan` and `graph` share: which task, on what data (built in unless given), with which settings.
struct TraceOptions {
  std::string task, data, batch, device, threads, config;
  std::vector<std::string> sets;
};

void declare_trace(Options& options, TraceOptions& into);

/// A task as a run would make it, and its training step.
class Trace {
 public:
  explicit Trace(const TraceOptions& options);
  /// The losses of one step of so many samples, on the tape; a small data set is gone round.
  Losses step(std::int64_t samples);

  Settings settings;
  std::shared_ptr<const Source> source;
  std::unique_ptr<Task> task;
  Device device;
};

struct StepFlops {
  double forward = 0,
         backward = 0;  // multiplications and additions of convolutions and matrix products
};
/// Of the tape behind y: 2 for each multiply-add; backward counts the gradients that somebody asks for.
StepFlops count_flops(const Tensor& y);

}  // namespace lacuna::tools
