// Losses over two tensors; see pointwise_loss.h.
#include "pointwise_loss.h"

#include "../../kernels/pointwise_loss.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {
namespace {

struct LossAttributes {
  PointwiseLoss kind;
  double scale;
};

Gradients loss_backward(Saved& saved, Tensor dy, Needs needs) {
  const auto& at = saved.attributes<LossAttributes>();
  const Tensor a = saved.take(0), b = saved.take(1);
  Tensor da, db;
  if (needs[0]) da = reuse_or_empty(a);
  if (needs[1]) db = reuse_or_empty(b);
  run<&KernelTable::pointwise_loss_backward>(
      PointwiseLossBackward{at.kind, da.array(), db.array(), dy.array(), a.array(), b.array(),
                            at.scale, saved[2].array(), saved[3].array()},
      dy.device());
  return {da, db};
}

// scale * the sum of f, or its weighted mean where a mask is given.
Tensor loss(PointwiseLoss kind, const Tensor& first, const Tensor& second, double scale,
            const Tensor& mask = {}) {
  const char* op = name_of(kind);
  const Tensor a = contiguous(first), b = contiguous(second);
  const Dtype dtype = statistics_dtype(a.dtype());
  Tensor y = Tensor::empty({}, dtype, a.device()), weights, weight;
  if (mask.defined()) {
    NoGrad guard;
    LACUNA_CHECK(broadcast(op, mask.shape(), a.shape()) == a.shape(), op,
                 "the mask must broadcast to the other arguments: got ", describe("mask", mask),
                 ", ", describe("x", a));
    weights =
        broadcast_to(mask.dtype() == Dtype::bf16 ? to(mask, dtype) : mask.detach(), a.shape());
    weight = Tensor::empty({}, dtype, a.device());
  }
  run<&KernelTable::pointwise_loss_forward>(
      PointwiseLossForward{kind, y.array(), a.array(), b.array(), scale, weights.array(),
                           weight.array()},
      a.device());
  return record(op, y, {a, b}, Saved{a, b, weights, weight}.with(LossAttributes{kind, scale}),
                loss_backward);
}

void check_pair(PointwiseLoss kind, const Tensor& x, const Tensor& target) {
  LACUNA_CHECK(x.defined() && target.defined(), name_of(kind), "a tensor is undefined: got ",
               describe("x", x), ", ", describe("target", target));
  LACUNA_CHECK(x.shape() == target.shape(), name_of(kind), "x and target must have one shape: got ",
               describe("x", x), ", ", describe("target", target));
}

Tensor mean_loss(PointwiseLoss kind, const Tensor& x, const Tensor& target, const Tensor& mask) {
  check_pair(kind, x, target);
  return loss(kind, x, target, 1.0 / static_cast<double>(x.numel()), mask);
}

}  // namespace

Tensor mse_loss(const Tensor& x, const Tensor& target, const Tensor& mask) {
  return mean_loss(PointwiseLoss::mse_loss, x, target, mask);
}
Tensor l1_loss(const Tensor& x, const Tensor& target, const Tensor& mask) {
  return mean_loss(PointwiseLoss::l1_loss, x, target, mask);
}
Tensor bce_with_logits(const Tensor& x, const Tensor& target, const Tensor& mask) {
  return mean_loss(PointwiseLoss::bce_with_logits, x, target, mask);
}

Tensor kl_unit_gaussian(const Tensor& mu, const Tensor& logvar) {
  check_pair(PointwiseLoss::kl_unit_gaussian, mu, logvar);
  LACUNA_CHECK(mu.ndim() > 0, "kl_unit_gaussian", "needs a batch dimension: got ",
               describe("mu", mu));
  return loss(PointwiseLoss::kl_unit_gaussian, mu, logvar, 1.0 / static_cast<double>(mu.dim(0)));
}

}  // namespace lacuna
