#include "augmented_probe.h"

#include <cmath>

#include "../core/ops/cross_entropy.h"
#include "../core/ops/matmul.h"
#include "../core/ops/reduce.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"
#include "../nn/optim/schedule.h"
#include "../nn/optim/sgd.h"

namespace lacuna {
namespace {

constexpr const char* kAugmentedProbeOp = "linear";

}  // namespace

AugmentedProbe::AugmentedProbe(const AugmentedProbeOptions& options, Device device)
    : options_(options), device_(device) {
  LACUNA_CHECK(
      options.epochs >= 1 && options.batch >= 1 && options.lr > 0 && options.weight_decay >= 0,
      kAugmentedProbeOp,
      "needs at least one epoch and one picture a step, a rate above 0 and a decay of at "
      "least 0: got ",
      options.epochs, ", ", options.batch, ", ", options.lr, " and ", options.weight_decay);
  validate(options.augmentation);
}

void AugmentedProbe::fit(const Subject& subject, const Source& train, std::uint64_t seed) {
  const std::int64_t n = train.size(), per_epoch = (n + options_.batch - 1) / options_.batch;
  LACUNA_CHECK(n > 0, kAugmentedProbeOp, train.name(), " has no sample");
  const auto classes = static_cast<std::int64_t>(train.classes().size());
  const Schedule schedule{.shape = Schedule::Shape::cosine,
                          .base = options_.lr * static_cast<double>(options_.batch) / 256,
                          .total = per_epoch * options_.epochs};
  weight_ = Tensor::zeros({classes, width_of(subject, train, device_)}, Dtype::f32, device_)
                .requires_grad();
  bias_ = Tensor::zeros({classes}, Dtype::f32, device_).requires_grad();
  Sgd sgd({{"weight", weight_}, {"bias", bias_}}, {.lr = schedule.base,
                                                   .momentum = 0.9,
                                                   .nesterov = true,
                                                   .weight_decay = options_.weight_decay});
  Context context{.training = false, .seed = seed};
  double sum = 0;
  for (context.epoch = 0; context.epoch < options_.epochs; context.epoch++) {
    const RandomKey order = context.key("probe.shuffle");
    for (std::int64_t begin = 0; begin < n; begin += options_.batch) {
      std::vector<std::int64_t> ids;
      for (std::int64_t p = begin; p < std::min(n, begin + options_.batch); p++)
        ids.push_back(static_cast<std::int64_t>(
            permute(order, static_cast<std::uint64_t>(p), static_cast<std::uint64_t>(n))));
      Batch batch = read_batch(train, ids).to(device_);
      augment(context, options_.augmentation, batch);
      sgd.zero_grad();
      const Tensor x = subject.represent(batch).detach();
      const Tensor loss = cross_entropy(linear(x, weight_, bias_), batch["label"]);
      backward(loss);
      sgd.lr = schedule.at(context.epoch * per_epoch + begin / options_.batch);
      sgd.step();
      if (context.epoch + 1 == options_.epochs) sum += loss.item();
    }
  }
  loss_ = sum / static_cast<double>(per_epoch);
  if (!std::isfinite(loss_))
    throw RunError("[linear] the probe's loss is not finite; a lower rate (--lr) may help");
  weight_.requires_grad(false);
  bias_.requires_grad(false);
}

std::vector<std::vector<std::int64_t>> AugmentedProbe::guess(const Tensor& x) {
  LACUNA_CHECK(weight_.defined(), kAugmentedProbeOp, "the probe has learned nothing yet");
  NoGrad guard;
  return {argmax(linear(to(x, device_), weight_, bias_)).to_vector<std::int64_t>()};
}

}  // namespace lacuna
