#pragma once
// Residual networks (He, Zhang, Ren, Sun 2016) in torchvision's form, the stride of a bottleneck on its 3x3 convolution.
// Images (N, H, W, C), values on [0, 1], to features (N, D): the mean over the last stage's pixels.
//
//   stem    small      conv 3x3                          for pictures of 32 pixels (CIFAR)
//           imagenet   conv 7x7 stride 2, max-pool 3x3 stride 2
//   stages  4 of 1 (depth 10), 2 (18) or 3, 4, 6, 3 (34, 50) blocks, of width 64, 128, 256, 512; each but the first halves the side
//   block   x + norm(conv 3x3(relu(norm(conv 3x3 x))))                                        depth 10, 18, 34;  D = 512
//           x + norm(conv 1x1 to 4 width(relu(norm(conv 3x3(relu(norm(conv 1x1 x)))))))       depth 50;          D = 2048
//           and relu; where the shape changes, x is norm(conv 1x1 x)
//
// Another width of the first stage scales all of them. Names are torchvision's (conv1, bn1, layer1.0.conv1, ...) without the fc.
#include "../layers/batch_norm.h"
#include "../layers/conv2d.h"

namespace lacuna {

struct ResNetOptions {
  std::int64_t depth = 18;     // 10, 18, 34 or 50
  std::int64_t width = 64;     // channels of the first stage
  std::int64_t channels = 3;   // of the image
  bool imagenet_stem = false;  // else that of small pictures
  bool zero_last =
      true;  // the last norm of a block starts as 0: the block as x (Goyal et al. 2017)
};

class ResidualBlock : public Module {
 public:
  struct Options {
    std::int64_t in = 0, width = 0;
    std::int64_t stride = 1;
    bool bottleneck = false;
    bool zero_last = true;
    std::int64_t out() const { return bottleneck ? 4 * width : width; }
  };

  std::vector<Conv2d> convs;
  std::vector<BatchNorm> norms;  // one behind each
  std::vector<Conv2d> shortcut;  // none where x fits as it is
  std::vector<BatchNorm> shortcut_norm;

  explicit ResidualBlock(const Options& options);
  Tensor forward(Context& context, const Tensor& x) override;
  void members(Members& m) override;
};

class ResNet : public Module {
 public:
  Conv2d conv1;
  BatchNorm bn1;
  std::vector<std::vector<ResidualBlock>> stages;

  explicit ResNet(const ResNetOptions& options);
  Tensor forward(Context& context, const Tensor& x) override;
  void members(Members& m) override;
  std::string architecture() const override;

  const ResNetOptions& options() const { return options_; }
  /// D.
  std::int64_t features() const { return (options_.depth == 50 ? 32 : 8) * options_.width; }

 private:
  ResNetOptions options_;
};

}  // namespace lacuna
