// lacuna export: a run's weights as safetensors with the names and layouts of PyTorch; those of gpt and bert as transformers
// has them (GPT2LMHeadModel, BertForPreTraining), with a config.json beside them; the ResNet of simclr, without its heads, as
// torchvision has it.
#include <fmt/core.h>

#include <filesystem>

#include "../core/files.h"
#include "../nn/backbones/huggingface.h"
#include "../nn/backbones/registry.h"
#include "../nn/backbones/torchvision.h"
#include "../ssl/trainer.h"
#include "command.h"
#include "huggingface_config.h"
#include "layouts.h"
#include "text.h"

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
    for (const bool best : {false, true})
      LACUNA_CHECK(!same_file(out_, RunFolder{folder_.path, best}.checkpoint()), "usage", "--out ",
                   out_, " is the run's own checkpoint, which it would replace");
    const std::string task = config.info->name;
    const Safetensors checkpoint = read_checkpoint(folder_.checkpoint(), config.settings);
    const StateDict ours = with_prefix(checkpoint.tensors, "model.");
    StateDict theirs;
    if (task == "bert" || (task == "gpt" && config.settings.text("model.kind") == "gpt2")) {
      theirs = to_huggingface(task, ours);
      write_config(checkpoint, ours.count("nsp.weight") != 0);
    } else if (task == "simclr") {
      theirs = to_torchvision(ours, std::atoll(checkpoint.metadata.at("step").c_str()));
    } else {
      for (const auto& [name, tensor] : ours) theirs[name] = to_pytorch(tensor);
    }
    write_safetensors(out_, theirs, {{"format", "pt"}, {"task", task}});
    if (!quiet_) fmt::print("{}: {} tensors\n", out_, theirs.size());
    return 0;
  }

 private:
  // Transformers looks for config.json in the weights' folder.
  void write_config(const Safetensors& checkpoint, bool nsp) const {
    const auto encoder = checkpoint.metadata.find("encoder");
    LACUNA_CHECK(encoder != checkpoint.metadata.end(), "export", folder_.checkpoint(),
                 " does not say what encoder it holds");
    const auto tokenizer = read_tokenizer(folder_);
    const std::string path = std::filesystem::path(out_).replace_filename("config.json"),
                      config =
                          huggingface_config(*make_backbone(encoder->second), nsp,
                                             tokenizer ? tokenizer->vocabulary() : Vocabulary());
    LACUNA_CHECK(!std::filesystem::exists(path) || read_file(path) == config, "export", path,
                 " is there already and says other things: give a folder of its own in --out");
    write_file(path, config);
    if (!quiet_) fmt::print("{}: what transformers' from_pretrained needs beside it\n", path);
  }

  RunFolder folder_;
  std::string out_;
  bool quiet_ = false;
};

}  // namespace

extern const CommandInfo export_command{
    "export", "a run's weights as safetensors with PyTorch's names and layouts",
    make_command<Export>};

}  // namespace lacuna::tools
