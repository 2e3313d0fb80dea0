// lacuna import: safetensors with PyTorch's names and layouts, or of transformers' GPT2LMHeadModel and BertForPreTraining, or of
// torchvision's ResNets, turned into a file that --init takes. What shapes of transformers' models do not show is read from
// config.json beside the file.
#include <fmt/core.h>

#include <filesystem>

#include "../core/files.h"
#include "../core/safetensors.h"
#include "../nn/backbones/huggingface.h"
#include "../nn/backbones/torchvision.h"
#include "../nn/state.h"
#include "command.h"
#include "huggingface_config.h"
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
    LACUNA_CHECK(!same_file(file_, out_), "usage", "--out ", out_,
                 " is the file to import, which it would replace");
    const Safetensors theirs = read_safetensors(file_);
    LACUNA_CHECK(!theirs.metadata.count("lacuna"), "import", file_,
                 " is Lacuna's own already: lacuna train --init takes it as it is");
    std::map<std::string, std::string> metadata = {{"lacuna", "1"}};
    StateDict ours;
    ImportedEncoder encoder;
    std::string task = "TASK";
    if (const std::string model = huggingface_model(theirs.tensors); !model.empty()) {
      const StateDict weights = from_huggingface(theirs.tensors);
      encoder = imported_encoder(model, weights,
                                 std::filesystem::path(file_).replace_filename("config.json"));
      insert_with_prefix(ours, "model.", weights);
      task = metadata["task"] = model;
      if (!encoder.architecture.empty()) metadata["encoder"] = encoder.architecture;
    } else if (is_torchvision_resnet(theirs.tensors)) {
      const StateDict weights = from_torchvision(theirs.tensors);
      insert_with_prefix(ours, "model.", weights);
      task = metadata["task"] = "simclr";
      const ResNetOptions o = resnet_options_of(weights);
      encoder.settings =
          fmt::format(" --set model.backbone=resnet{} --set model.width={} --set model.stem={}",
                      o.depth, o.width, o.imagenet_stem ? "imagenet" : "small");
    } else {
      for (const auto& [name, tensor] : theirs.tensors)
        ours["model." + name] = from_pytorch(tensor);
      if (const auto it = theirs.metadata.find("task"); it != theirs.metadata.end())
        task = metadata["task"] = it->second;
    }
    LACUNA_CHECK(!ours.empty(), "import", file_, " holds no tensors");
    write_safetensors(out_, ours, metadata);
    if (quiet_) return 0;
    fmt::print("{}: {} tensors; lacuna train {} --init {}{}\n", out_, ours.size(), task, out_,
               encoder.settings);
    if (!encoder.assumed.empty()) fmt::print("{}: {}\n", file_, encoder.assumed);
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
