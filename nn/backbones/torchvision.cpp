#include "torchvision.h"

#include "../../core/ops/shape.h"
#include "../../core/tape.h"

namespace lacuna {
namespace {

constexpr const char* kPrefix = "encoder.";
constexpr const char* kCount = "num_batches_tracked";

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

bool is_torchvision_resnet(const StateDict& theirs) {
  for (const char* name : {"conv1.weight", "bn1.running_mean", "layer1.0.conv1.weight"})
    if (!theirs.count(name)) return false;
  return true;
}

StateDict from_torchvision(const StateDict& theirs) {
  NoGrad guard;
  StateDict ours;
  for (const auto& [name, tensor] : theirs) {
    if (ends_with(name, kCount) || name == "fc.weight" || name == "fc.bias") continue;
    ours[kPrefix + name] = tensor.ndim() == 4 ? contiguous(permute(tensor, {0, 2, 3, 1})) : tensor;
  }
  resnet_options_of(ours);
  return ours;
}

StateDict to_torchvision(const StateDict& ours, std::int64_t batches) {
  NoGrad guard;
  StateDict theirs;
  for (const auto& [name, tensor] : with_prefix(ours, kPrefix)) {
    theirs[name] = tensor.ndim() == 4 ? contiguous(permute(tensor, {0, 3, 1, 2})) : tensor;
    const std::string mean = "running_mean";
    if (ends_with(name, mean))
      theirs[name.substr(0, name.size() - mean.size()) + kCount] =
          Tensor::scalar(static_cast<double>(batches), Dtype::i64);
  }
  LACUNA_CHECK(is_torchvision_resnet(theirs), "export", "the encoder is no ResNet");
  return theirs;
}

ResNetOptions resnet_options_of(const StateDict& ours) {
  const auto block = [](int stage, int i) {
    return kPrefix + ("layer" + std::to_string(stage) + "." + std::to_string(i)) + ".";
  };
  std::int64_t blocks[4] = {};
  for (int stage = 1; stage <= 4; stage++)
    while (ours.count(block(stage, static_cast<int>(blocks[stage - 1])) + "conv1.weight"))
      blocks[stage - 1]++;
  const Tensor& stem = ours.at(std::string(kPrefix) + "conv1.weight");
  const bool deep = ours.count(block(1, 0) + "conv3.weight") != 0;
  ResNetOptions o{.depth = blocks[0] == 1   ? 10
                           : blocks[0] == 2 ? 18
                           : deep           ? 50
                                            : 34,
                  .width = stem.dim(0),
                  .channels = stem.dim(3),
                  .imagenet_stem = stem.dim(1) == 7};
  // Which shapes such a network has is known to itself; a wrong one is named here, with all others.
  ResNet network(o);
  network.initialize(0);
  StateDict mine;
  insert_with_prefix(mine, kPrefix, network.state_dict());
  std::string wrong;
  for (const auto& [name, tensor] : mine)
    if (!ours.count(name) || !(ours.at(name).shape() == tensor.shape())) wrong += " " + name;
  for (const auto& [name, tensor] : ours)
    if (!mine.count(name)) wrong += " " + name;
  LACUNA_CHECK(wrong.empty(), "resnet",
               "this is no ResNet-10, 18, 34 or 50 as it is built here; missing, unexpected or of "
               "another shape:",
               wrong);
  return o;
}

}  // namespace lacuna
