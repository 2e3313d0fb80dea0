// lacuna import: safetensors with PyTorch's names and layouts, turned into a file that --init takes.
#include <fmt/core.h>

#include "../core/safetensors.h"
#include "../nn/state.h"
#include "command.h"
#include "layouts.h"

namespace lacuna::tools {
namespace {

class Import : public Command {
 public:
  void declare(Options& options) override {
    options.positional("FILE", file_, "safetensors as PyTorch lays them out");
    options.value("--out", out_, "a file for `lacuna train --init`", "FILE");
    options.flag("--quiet", quiet_, "print nothing but errors");
  }
  int run() override {
    LACUNA_CHECK(!out_.empty(), "usage", "--out FILE is missing: where the weights are to go");
    StateDict ours;
    const Safetensors theirs = read_safetensors(file_);
    LACUNA_CHECK(!theirs.metadata.count("lacuna"), "import", file_,
                 " is Lacuna's own already: lacuna train --init takes it as it is");
    for (const auto& [name, tensor] : theirs.tensors) ours["model." + name] = from_pytorch(tensor);
    LACUNA_CHECK(!ours.empty(), "import", file_, " holds no tensors");
    write_safetensors(out_, ours, {{"lacuna", "1"}});
    if (!quiet_)
      fmt::print("{}: {} tensors; lacuna train TASK --init {}\n", out_, ours.size(), out_);
    return 0;
  }

 private:
  std::string file_, out_;
  bool quiet_ = false;
};

}  // namespace

extern const CommandInfo import_command{"import", "weights from PyTorch's safetensors, for --init",
                                        make_command<Import>};

}  // namespace lacuna::tools
