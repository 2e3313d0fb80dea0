#pragma once
// The linear probe with augmentation, as Chen, Kornblith, Norouzi, Hinton ("A simple framework for contrastive learning of visual
// representations", ICML 2020, appendix B.6) judge encoders: the backbone is frozen, its BatchNorm by the running statistics, and
// a linear layer that starts at 0 learns from vectors of pictures of which each epoch sees another crop (8 to 100 % of the
// area, resized to the picture's size, bicubic) and half of them mirrored; nothing else happens to them unless it is asked for.
// SGD with Nesterov momentum 0.9, rate 0.1 batch / 256 with a cosine to 0, no decay, 90 epochs, the last of which is judged on
// pictures as they are.
#include "augmentation.h"
#include "probe.h"

namespace lacuna {

struct AugmentedProbeOptions {
  std::int64_t epochs = 90, batch = 256;
  double lr = 0.1;  // times batch / 256
  double weight_decay = 0;
  Augmentation augmentation = augmentation_of(ViewKeys());
};

/// Rule "linear". Fails on data without pictures; RunError where the loss is not finite.
class AugmentedProbe : public Classifier {
 public:
  explicit AugmentedProbe(const AugmentedProbeOptions& options, Device device = {});
  std::vector<std::string> rules() const override { return {"linear"}; }
  void fit(const Subject& subject, const Source& train, std::uint64_t seed) override;
  std::vector<std::vector<std::int64_t>> guess(const Tensor& x) override;
  /// Mean loss of the last epoch's steps.
  double loss() const { return loss_; }

 private:
  AugmentedProbeOptions options_;
  Device device_;
  Tensor weight_, bias_;
  double loss_ = 0;
};

}  // namespace lacuna
