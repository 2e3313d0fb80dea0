// Attention; formulas in kernels/attention.h. What is saved grows with sq + sk, never with sq * sk.
#include "attention.h"

#include <cmath>

#include "../../kernels/attention.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {
namespace {

struct AttentionAttributes {
  double scale;
  bool causal;
  std::int64_t window;
  double p;
  RandomKey key;
};

AttentionMask mask_of(const AttentionAttributes& at, const Tensor& lengths, const Tensor& blocks) {
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

// What a forward leaves for its backward beside q, k, v and y.
struct Pass {
  AttentionAttributes at;
  Tensor lse, lengths, blocks, ids;

  std::vector<Tensor> with(std::initializer_list<Tensor> operands) const {
    std::vector<Tensor> all(operands);
    all.insert(all.end(), {lse, lengths, blocks, ids});
    return all;
  }
};

Pass run_forward(const Tensor& y, const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionOptions& options, const Context* ctx, std::string_view stream) {
  LACUNA_CHECK(options.dropout == 0 || ctx, "attention", "dropout needs a Context to draw from");
  Pass pass{{options.scale, options.causal, options.window, 0, {}}, {}, {}, {}, {}};
  AttentionAttributes& at = pass.at;
  if (at.scale == 0) at.scale = 1 / std::sqrt(static_cast<double>(q.dim(3)));
  const auto beside_q = [&](const Tensor& t) {
    return t.defined() ? contiguous(to(t, q.device())) : t;
  };
  pass.lengths = beside_q(options.lengths);
  pass.blocks = beside_q(options.blocks);
  if (options.dropout != 0 && ctx->training) {
    at.p = options.dropout;
    at.key = ctx->key(stream);
    pass.ids = beside_q(ctx->ids);
  }
  pass.lse = Tensor::empty({q.dim(0), q.dim(1), q.dim(2)}, statistics_dtype(q.dtype()), q.device());
  run<&KernelTable::attention_forward>(AttentionForward{y.array(),
                                                        pass.lse.array(),
                                                        q.array(),
                                                        k.array(),
                                                        v.array(),
                                                        at.scale,
                                                        mask_of(at, pass.lengths, pass.blocks),
                                                        {at.p, at.key, pass.ids.array()}},
                                       q.device());
  return pass;
}

struct Operands {
  Tensor q, k, v;
};

// `saved` ends with what Pass::with put there: lse, lengths, blocks, ids, from place `rest` on.
void run_backward(const Operands& gradients, const Operands& x, const Tensor& y, const Tensor& dy,
                  const Saved& saved, std::size_t rest) {
  const auto& at = saved.attributes<AttentionAttributes>();
  run<&KernelTable::attention_backward>(
      AttentionBackward{gradients.q.array(),
                        gradients.k.array(),
                        gradients.v.array(),
                        x.q.array(),
                        x.k.array(),
                        x.v.array(),
                        y.array(),
                        saved[rest].array(),
                        dy.array(),
                        at.scale,
                        mask_of(at, saved[rest + 1], saved[rest + 2]),
                        {at.p, at.key, saved[rest + 3].array()}},
      x.q.device());
}

Gradients attention_backward(Saved& saved, Tensor dy, Needs needs) {
  const Tensor &q = saved[0], &k = saved[1], &v = saved[2], &y = saved[3];
  Tensor dq, dk, dv;
  if (needs[0]) dq = laid_out_as(q);
  if (needs[1] || needs[2]) {
    dk = laid_out_as(k);
    dv = laid_out_as(v);
  }
  run_backward({dq, dk, dv}, {q, k, v}, y, readable(dy), saved, 4);
  return {dq, needs[1] ? dk : Tensor(), needs[2] ? dv : Tensor()};
}

// Part `part` of the `parts` in each row of x (b, s, parts h d), as (b, h, s, d): a view.
Tensor heads_of(const Tensor& x, std::int64_t heads, int parts, int part) {
  const std::int64_t b = x.dim(0), s = x.dim(1), row = x.dim(2), width = row / parts;
  return Tensor(x.storage(), {b, heads, s, width / heads}, {s * row, width / heads, row, 1},
                x.offset() + part * width, x.dtype());
}
Operands parts_of(const Tensor& qkv, std::int64_t heads) {
  return {heads_of(qkv, heads, 3, 0), heads_of(qkv, heads, 3, 1), heads_of(qkv, heads, 3, 2)};
}

Gradients self_attention_backward(Saved& saved, Tensor dy, Needs) {
  const Tensor &qkv = saved[0], &y = saved[1];
  const std::int64_t heads = saved[2].dim(1);  // of lse (b, h, s)
  const Tensor dqkv = Tensor::empty(qkv.shape(), qkv.dtype(), qkv.device());
  run_backward(parts_of(dqkv, heads), parts_of(qkv, heads), heads_of(y, heads, 1, 0),
               heads_of(contiguous(dy), heads, 1, 0), saved, 2);
  return {dqkv};
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
  const Tensor q = readable(queries), k = readable(keys), v = readable(values);
  Tensor y = laid_out_as(q);
  const Pass pass = run_forward(y, q, k, v, options, ctx, stream);
  return record("attention", y, {q, k, v}, Saved(pass.with({q, k, v, y})).with(pass.at),
                attention_backward);
}

Tensor self_attention(const Tensor& input, std::int64_t heads, const AttentionOptions& options,
                      const Context* ctx, std::string_view stream) {
  LACUNA_CHECK(input.defined() && input.ndim() == 3, "self_attention",
               "needs qkv (samples, positions, 3 * heads * d): got ",
               input.defined() ? describe("qkv", input) : "nothing");
  LACUNA_CHECK(heads >= 1 && input.dim(2) >= 3 * heads && input.dim(2) % (3 * heads) == 0,
               "self_attention", "rows of qkv must be 3 * heads * d long: got ",
               describe("qkv", input), " for ", heads, " heads");
  const Tensor qkv = contiguous(input);
  const Tensor y =
      Tensor::empty({qkv.dim(0), qkv.dim(1), qkv.dim(2) / 3}, qkv.dtype(), qkv.device());
  const Operands x = parts_of(qkv, heads);
  const Pass pass = run_forward(heads_of(y, heads, 1, 0), x.q, x.k, x.v, options, ctx, stream);
  return record("self_attention", y, {qkv}, Saved(pass.with({qkv, y})).with(pass.at),
                self_attention_backward);
}

}  // namespace lacuna
