#include "linear_probe.h"

#include <cmath>

#include "../core/ops/cross_entropy.h"
#include "../core/ops/elementwise.h"
#include "../core/ops/index.h"
#include "../core/ops/matmul.h"
#include "../core/ops/reduce.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"
#include "../nn/optim/adam.h"
#include "../nn/optim/schedule.h"

namespace lacuna {
namespace {

constexpr const char* kLinearProbeOp = "linear";

}  // namespace

LinearProbe::LinearProbe(const LinearProbeOptions& options, Device device)
    : options_(options), device_(device) {
  LACUNA_CHECK(
      options.epochs >= 1 && options.batch >= 1 && options.lr > 0 && options.weight_decay >= 0,
      kLinearProbeOp,
      "needs at least one epoch and one vector a step, a rate above 0 and a decay of "
      "at least 0: got ",
      options.epochs, ", ", options.batch, ", ", options.lr, " and ", options.weight_decay);
}

Tensor LinearProbe::prepared(const Tensor& x) const {
  const Tensor there = to(x, device_);
  return mean_.defined() ? (there - mean_) * scale_ : there;
}

void LinearProbe::fit(const Features& features, std::int64_t classes) {
  {
    NoGrad guard;
    mean_ = scale_ = Tensor();
    if (options_.standardise) {
      const Tensor x = to(features.x, device_);
      mean_ = mean(x, {0});
      // A feature that never differs stays 0.
      scale_ = reciprocal(
          maximum(sqrt(var(x, {0}, false, false)), Tensor::full({1}, 1e-12, Dtype::f32, device_)));
    }
  }
  const Tensor x = prepared(features.x),
               y = Tensor::from(features.labels, {features.size()}, device_);
  weight_ = Tensor::zeros({classes, features.width()}, Dtype::f32, device_).requires_grad();
  bias_ = Tensor::zeros({classes}, Dtype::f32, device_).requires_grad();
  const std::int64_t n = features.size(), per_epoch = (n + options_.batch - 1) / options_.batch;
  const std::int64_t steps = per_epoch * options_.epochs;
  const Schedule schedule{.shape = Schedule::Shape::cosine, .base = options_.lr, .total = steps};
  Adam adam({{"weight", weight_}, {"bias", bias_}},
            {.lr = options_.lr, .weight_decay = options_.weight_decay});
  double sum_of_last = 0;
  for (std::int64_t epoch = 0; epoch < options_.epochs; epoch++) {
    const RandomKey order =
        RandomKey::of(options_.seed, stream_of("probe.shuffle"), static_cast<std::uint64_t>(epoch));
    for (std::int64_t begin = 0; begin < n; begin += options_.batch) {
      std::vector<std::int64_t> ids;
      for (std::int64_t p = begin; p < std::min(n, begin + options_.batch); p++)
        ids.push_back(static_cast<std::int64_t>(
            permute(order, static_cast<std::uint64_t>(p), static_cast<std::uint64_t>(n))));
      const Tensor rows = Tensor::from(ids, {static_cast<std::int64_t>(ids.size())}, device_);
      adam.zero_grad();
      const Tensor loss =
          cross_entropy(linear(index_select(x, 0, rows), weight_, bias_), index_select(y, 0, rows));
      backward(loss);
      adam.lr = schedule.at(epoch * per_epoch + begin / options_.batch);
      adam.step();
      if (epoch + 1 < options_.epochs) continue;
      sum_of_last += loss.item();
    }
  }
  loss_ = sum_of_last / static_cast<double>(per_epoch);
  if (!std::isfinite(loss_))
    throw RunError("[linear] the probe's loss is not finite; a lower rate (--lr) may help");
  weight_.requires_grad(false);
  bias_.requires_grad(false);
}

std::vector<std::int64_t> LinearProbe::guess(const Tensor& x) const {
  LACUNA_CHECK(weight_.defined(), kLinearProbeOp, "the probe has learned nothing yet");
  NoGrad guard;
  return argmax(linear(prepared(x), weight_, bias_)).to_vector<std::int64_t>();
}

}  // namespace lacuna
