// lacuna export: a run's weights as safetensors with the names and layouts of PyTorch; those of gpt and bert as transformers
// has them (GPT2LMHeadModel, BertForPreTraining), and the ResNet of simclr, without its heads, as torchvision has it.
#include <fmt/core.h>

#include <filesystem>

#include "../core/safetensors.h"
#include "../nn/backbones/huggingface.h"
#include "../nn/backbones/torchvision.h"
#include "command.h"
#include "format.h"
#include "layouts.h"
#include "run_folder.h"

namespace lacuna::tools {
namespace {

class Export : public Command {
 public:
  void declare(Options& options) override {
    options.value("--run", folder_.path, "the run folder", "DIR");
    options.value("--out", out_, "where the weights go", "FILE");
    options.flag("--best", folder_.best, "the checkpoint of the best validation, not the last one");
    options.flag("--quiet", quiet_, "print nothing but errors");
  }
  int run() override {
    LACUNA_CHECK(!folder_.path.empty(), "usage", "--run DIR is missing: the run to export");
    LACUNA_CHECK(!out_.empty(), "usage", "--out FILE is missing: where the weights are to go");
    const RunConfig config = read_run(folder_);
    const std::string task = config.info->name;
    const Safetensors checkpoint = read_safetensors(folder_.checkpoint());
    const StateDict ours = with_prefix(checkpoint.tensors, "model.");
    StateDict theirs;
    if (task == "bert" || (task == "gpt" && config.settings.text("model.kind") == "gpt2"))
      theirs = to_huggingface(task, ours);
    else if (task == "simclr")
      theirs = to_torchvision(ours, std::atoll(checkpoint.metadata.at("step").c_str()));
    else
      for (const auto& [name, tensor] : ours) theirs[name] = to_pytorch(tensor);
    write_safetensors(out_, theirs, {{"format", "pt"}, {"task", task}});
    if (!quiet_) fmt::print("{}: {} tensors\n", out_, theirs.size());
    return 0;
  }

 private:
  RunFolder folder_;
  std::string out_;
  bool quiet_ = false;
};

}  // namespace

extern const CommandInfo export_command{
    "export", "a run's weights as safetensors with PyTorch's names and layouts",
    make_command<Export>};

}  // namespace lacuna::tools
