// lacuna graph TASK: the tape of one training step in Graphviz's DOT.
#include <iostream>

#include "../core/tape.h"
#include "command.h"
#include "trace.h"

namespace lacuna::tools {
namespace {

class Graph : public Command {
 public:
  void declare(Options& options) override { declare_trace(options, trace_); }
  int run() override {
    if (trace_.batch.empty()) trace_.batch = "1";
    Trace trace(trace_);
    draw_tape(trace.step(trace.settings.integer("train.batch_size")).total, std::cout);
    std::cout.flush();
    return 0;
  }
  std::string more_help() override {
    return "\nFor a picture: lacuna graph inpainting | dot -Tsvg > tape.svg\n";
  }

 private:
  TraceOptions trace_;
};

}  // namespace

extern const CommandInfo graph_command{"graph", "the tape of one step as DOT", make_command<Graph>};

}  // namespace lacuna::tools
