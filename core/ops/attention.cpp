// Attention; formulas in kernels/attention.h. What is saved grows with sq + sk, never with sq * sk.
#include "attention.h"

#include <cmath>

#include "../../kernels/attention.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {
namespace {

struct Attributes {
  double scale;
  bool causal;
  std::int64_t window;
  double p;
  RandomKey key;
};

AttentionMask mask_of(const Attributes& at, const Tensor& lengths, const Tensor& blocks) {
  return {at.causal, at.window, lengths.array(), blocks.array()};
}

// x itself where its rows of d elements can be read in place.
Tensor readable(const Tensor& x) {
  bool ok = x.dim(-1) <= 1 || x.strides()[3] == 1;
  for (int i = 0; i < 4; i++) ok = ok && x.strides()[i] >= 0;
  return ok ? x : contiguous(x);
}

// A new tensor of x's shape, with heads inside rows where x has them there.
Tensor laid_out_as(const Tensor& x) {
  Shape shape = x.shape();
  if (x.dim(1) <= 1 || x.dim(2) <= 1 || x.strides()[1] >= x.strides()[2])
    return Tensor::empty(shape, x.dtype(), x.device());
  std::swap(shape[1], shape[2]);
  return permute(Tensor::empty(shape, x.dtype(), x.device()), {0, 2, 1, 3});
}

Gradients attention_backward(Saved& saved, Tensor dy, Needs needs) {
  const auto& at = saved.attributes<Attributes>();
  const Tensor &q = saved[0], &k = saved[1], &v = saved[2], &y = saved[3], &lse = saved[4];
  dy = readable(dy);
  Tensor dq, dk, dv;
  if (needs[0]) dq = laid_out_as(q);
  if (needs[1] || needs[2]) {
    dk = laid_out_as(k);
    dv = laid_out_as(v);
  }
  run<&KernelTable::attention_backward>(AttentionBackward{dq.array(),
                                                          dk.array(),
                                                          dv.array(),
                                                          q.array(),
                                                          k.array(),
                                                          v.array(),
                                                          y.array(),
                                                          lse.array(),
                                                          dy.array(),
                                                          at.scale,
                                                          mask_of(at, saved[5], saved[6]),
                                                          {at.p, at.key, saved[7].array()}},
                                        q.device());
  return {dq, needs[1] ? dk : Tensor(), needs[2] ? dv : Tensor()};
}

}  // namespace

Tensor attention(const Tensor& queries, const Tensor& keys, const Tensor& values,
                 const AttentionOptions& options, const Context* ctx, std::string_view stream) {
  LACUNA_CHECK(queries.defined() && keys.defined() && values.defined(), "attention",
               "a tensor is undefined");
  LACUNA_CHECK(queries.ndim() == 4 && keys.ndim() == 4 && values.ndim() == 4, "attention",
               "needs q (samples, heads, queries, d), k and v (samples, heads, keys, d): got ",
               describe("q", queries), ", ", describe("k", keys), ", ", describe("v", values));
  LACUNA_CHECK(queries.dim(3) >= 1, "attention", "d must be at least 1: got ",
               describe("q", queries));
  LACUNA_CHECK(options.dropout == 0 || ctx, "attention", "dropout needs a Context to draw from");
  const Tensor q = readable(queries), k = readable(keys), v = readable(values);
  Attributes at{options.scale, options.causal, options.window, 0, {}};
  if (at.scale == 0) at.scale = 1 / std::sqrt(static_cast<double>(q.dim(3)));
  const auto beside_q = [&](const Tensor& t) {
    return t.defined() ? contiguous(to(t, q.device())) : t;
  };
  const Tensor lengths = beside_q(options.lengths), blocks = beside_q(options.blocks);
  Tensor ids;
  if (options.dropout != 0 && ctx->training) {
    at.p = options.dropout;
    at.key = ctx->key(stream);
    ids = beside_q(ctx->ids);
  }
  Tensor y = laid_out_as(q);
  const Tensor lse =
      Tensor::empty({q.dim(0), q.dim(1), q.dim(2)}, statistics_dtype(q.dtype()), q.device());
  run<&KernelTable::attention_forward>(AttentionForward{y.array(),
                                                        lse.array(),
                                                        q.array(),
                                                        k.array(),
                                                        v.array(),
                                                        at.scale,
                                                        mask_of(at, lengths, blocks),
                                                        {at.p, at.key, ids.array()}},
                                       q.device());
  return record("attention", y, {q, k, v}, Saved{q, k, v, y, lse, lengths, blocks, ids}.with(at),
                attention_backward);
}

}  // namespace lacuna
