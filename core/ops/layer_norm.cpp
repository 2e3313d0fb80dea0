#include "layer_norm.h"

#include "../../kernels/layer_norm.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {
namespace {

Tensor empty_like(const Tensor& t) { return Tensor::empty(t.shape(), t.dtype(), t.device()); }

// Saved: x, gamma, stats, beta; the attribute is eps.
Tensor layer_norm_forward(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                          const Tensor& stats, double eps) {
  const Tensor y = empty_like(x);
  run<&KernelTable::layer_norm_forward>(
      LayerNormForward{y.array(), stats.array(), x.array(), gamma.array(), beta.array(), eps},
      x.device());
  return y;
}

Tensor remake_layer_norm(const Node& node) {
  const Saved& saved = node.saved;
  return layer_norm_forward(saved[0], saved[1], saved[3], empty_like(saved[2]),
                            saved.attributes<double>());
}

Gradients layer_norm_backward(Saved& saved, Tensor dy, Needs needs) {
  dy = contiguous(dy);
  const Tensor &x = saved[0], &gamma = saved[1];
  const Tensor dx = reuse_or_empty(dy);
  Tensor dgamma, dbeta;
  if (needs[1] || needs[2]) {
    dgamma = Tensor::empty({x.dim(1)}, statistics_dtype(x.dtype()), x.device());
    dbeta = empty_like(dgamma);
  }
  run<&KernelTable::layer_norm_backward>(
      LayerNormBackward{dx.array(), dgamma.array(), dbeta.array(), dy.array(), x.array(),
                        saved[2].array(), gamma.array()},
      x.device());
  return {dx, needs[1] ? dgamma : Tensor(), needs[2] ? dbeta : Tensor()};
}

// Saved: y, norms.
Gradients l2_normalise_backward(Saved& saved, Tensor dy, Needs) {
  dy = contiguous(dy);
  const Tensor dx = reuse_or_empty(dy);
  run<&KernelTable::l2_normalise_backward>(
      L2NormaliseBackward{dx.array(), dy.array(), saved[0].array(), saved[1].array(),
                          saved.attributes<double>()},
      dy.device());
  return {dx};
}

// x (rows, n), contiguous.
Tensor l2_normalise_rows(const Tensor& x, double eps) {
  const Tensor y = empty_like(x);
  const Tensor norms = Tensor::empty({x.dim(0)}, statistics_dtype(x.dtype()), x.device());
  run<&KernelTable::l2_normalise_forward>(
      L2NormaliseForward{y.array(), norms.array(), x.array(), eps}, x.device());
  return record("l2_normalise", y, {x}, Saved{y, norms}.with(eps), l2_normalise_backward);
}

}  // namespace

Tensor layer_norm(const Tensor& input, const Tensor& gamma, const Tensor& beta, int dims,
                  double eps) {
  const char* op = "layer_norm";
  LACUNA_CHECK(input.defined() && dims >= 1 && dims <= input.ndim(), op, "normalises the last ",
               dims, " dimensions: got ", describe("x", input));
  Shape lead, last;
  for (int d = 0; d < input.ndim(); d++)
    (d < input.ndim() - dims ? lead : last).push_back(input.dim(d));
  for (const Tensor& v : {gamma, beta})
    LACUNA_CHECK(!v.defined() || v.shape() == last, op, "gamma and beta must have the shape ", last,
                 " of what is normalised: got ", describe("gamma", gamma), ", ",
                 describe("beta", beta));
  const auto flat = [&](const Tensor& v) {
    return v.defined() ? contiguous(reshape(v, {last.numel()})) : v;
  };
  const Tensor x = contiguous(reshape(input, {lead.numel(), last.numel()}));
  const Tensor scale = flat(gamma), shift = flat(beta);
  const Tensor stats = Tensor::empty({x.dim(0), 2}, statistics_dtype(x.dtype()), x.device());
  const Tensor y = layer_norm_forward(x, scale, shift, stats, eps);
  return reshape(
      record(op, y, {x, scale, shift}, Saved{x, scale, stats, shift}.with(eps).last_for_remake(1),
             layer_norm_backward, remake_layer_norm),
      input.shape());
}

Tensor l2_normalise(const Tensor& x, int dim, double eps) {
  LACUNA_CHECK(x.defined() && x.ndim() > 0, "l2_normalise", "needs at least one dimension: got ",
               describe("x", x));
  dim = wrap_dim("l2_normalise", dim, x.ndim());
  const Tensor moved = contiguous(dim == x.ndim() - 1 ? x : transpose(x, dim, -1));
  const std::int64_t n = moved.dim(-1), rows = n ? moved.numel() / n : 0;
  const Tensor y = reshape(l2_normalise_rows(reshape(moved, {rows, n}), eps), moved.shape());
  return dim == x.ndim() - 1 ? y : transpose(y, dim, -1);
}

}  // namespace lacuna
