#pragma once
// The network of SimCLR (ssl/simclr.cpp): a ResNet, the projection head behind it, and a linear probe that watches.
#include <optional>

#include "../nn/backbones/resnet.h"
#include "../nn/layers/linear.h"

namespace lacuna {

struct ProjectionOptions {
  std::int64_t in = 0, width = 1024, out = 128;
  std::int64_t layers = 2;
  /// As the authors' code has it: no biases, BatchNorm behind each layer, the last one's without bias.
  bool norm = false;
};

/// (n, in) to (n, out): linear layers with ReLU between.
Sequential projection_head(const ProjectionOptions& options);

class SimclrModel : public Module {
 public:
  ResNet encoder;
  Sequential projection;
  std::optional<Linear> probe;  // features to scores of classes; starts as 0

  /// `projection.in` is the encoder's features. No probe where there are no classes.
  SimclrModel(const ResNetOptions& encoder, ProjectionOptions projection, std::int64_t classes);
  void members(Members& m) override;
};

}  // namespace lacuna
