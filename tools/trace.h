#pragma once
// One recorded training step of a task, looked at before its backward: for `plan` and `graph`.
#include <memory>
#include <string>

#include "../core/batch.h"
#include "../ssl/task.h"
#include "options.h"

namespace lacuna::tools {

/// The options that `plan` and `graph` share: which task, on what data, with which settings.
struct TraceOptions {
  std::string task, data = "shapes", batch, device;
  std::vector<std::string> sets;
};

void declare_trace(Options& options, TraceOptions& into);

struct Trace {
  Settings settings;
  std::unique_ptr<Task> task;
  Batch batch;
  Losses losses;  // of one step, on the tape
  Device device;
};
Trace trace_step(const TraceOptions& options);

struct StepFlops {
  double forward = 0,
         backward = 0;  // multiplications and additions of convolutions and matrix products
};
/// Of the tape behind y: 2 for each multiply-add; backward counts the gradients that somebody asks for.
StepFlops count_flops(const Tensor& y);

}  // namespace lacuna::tools
