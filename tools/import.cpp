// lacuna import: safetensors with PyTorch's names and layouts, or of transformers' GPT2LMHeadModel and BertForPreTraining, or of
// torchvision's ResNets, turned into a file that --init takes.
#include <fmt/core.h>

#include "../core/safetensors.h"
#include "../nn/backbones/huggingface.h"
#include "../nn/backbones/torchvision.h"
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
    const bool resnet = is_torchvision_resnet(theirs.tensors);
    const std::string model = resnet ? "simclr" : huggingface_model(theirs.tensors);
    if (resnet)
      insert_with_prefix(ours, "model.", from_torchvision(theirs.tensors));
    else if (model.empty())
      for (const auto& [name, tensor] : theirs.tensors)
        ours["model." + name] = from_pytorch(tensor);
    else
      insert_with_prefix(ours, "model.", from_huggingface(theirs.tensors));
    LACUNA_CHECK(!ours.empty(), "import", file_, " holds no tensors");
    write_safetensors(out_, ours, {{"lacuna", "1"}});
    if (!quiet_)
      fmt::print("{}: {} tensors; lacuna train {} --init {}\n", out_, ours.size(),
                 model.empty() ? "TASK" : model + settings_of(model, ours), out_);
    return 0;
  }

 private:
  // What a model of these shapes is called in settings. How many heads share the width cannot be seen: 64 numbers a head are
  // usual.
  static std::string settings_of(const std::string& model, const StateDict& ours) {
    if (model == "simclr") {
      const ResNetOptions o = resnet_options_of(with_prefix(ours, "model."));
      return fmt::format(" --set model.backbone=resnet{} --set model.width={} --set model.stem={}",
                         o.depth, o.width, o.imagenet_stem ? "imagenet" : "small");
    }
    const Tensor &token = ours.at("model.encoder.token.weight"),
                 &position = ours.at("model.encoder.position.weight");
    int layers = 0;
    while (ours.count("model.encoder.blocks." + std::to_string(layers) + ".norm1.weight")) layers++;
    return fmt::format(
               " --set model.layers={} --set model.width={} --set model.heads={} --set model.{}={}",
               layers, token.dim(1), std::max<std::int64_t>(1, token.dim(1) / 64),
               model == "gpt" ? "context" : "positions", position.dim(0)) +
           (model == "bert" ? " --set model.gelu=erf" : "");
  }

  std::string file_, out_;
  bool quiet_ = false;
};

}  // namespace

extern const CommandInfo import_command{"import", "weights from PyTorch's safetensors, for --init",
                                        make_command<Import>};

}  // namespace lacuna::tools
