#include "transformer.h"

#include "../../core/ops/elementwise.h"
#include "../../core/tape.h"

namespace lacuna {
namespace {

std::int64_t inner(const TransformerOptions& o) { return o.inner ? o.inner : 4 * o.width; }

LayerNorm norm(const TransformerOptions& o) {
  return LayerNorm({.shape = {o.width}, .eps = o.eps, .bias = o.bias});
}

}  // namespace

Mlp::Mlp(const TransformerOptions& o)
    : up({o.width, inner(o), o.bias, o.start}),
      down({inner(o), o.width, o.bias, o.start_added}),
      gelu_tanh_(o.gelu_tanh) {}

Tensor Mlp::forward(Context& context, const Tensor& x) {
  const Tensor h = up.forward(context, x, Epilogue::none);
  return down.forward(context, gelu_tanh_ ? gelu_tanh(h) : gelu(h), Epilogue::none);
}

void Mlp::members(Members& m) {
  m.child("up", up);
  m.child("down", down);
}

TransformerBlock::TransformerBlock(const TransformerOptions& o)
    : norm1(norm(o)),
      norm2(norm(o)),
      attention({.width = o.width,
                 .heads = o.heads,
                 .causal = o.causal,
                 .bias = o.bias,
                 .dropout = o.dropout,
                 .start = o.start,
                 .start_out = o.start_added}),
      mlp(o),
      dropout1(o.dropout),
      dropout2(o.dropout),
      norm_before_(o.norm_before) {}

Tensor TransformerBlock::forward(Context& context, const Tensor& x, const Tensor& lengths,
                                 KvCache* cache) {
  const auto attended = [&](const Tensor& from) {
    return dropout1.forward(context, attention.forward(context, from, lengths, cache));
  };
  const auto computed = [&](const Tensor& from) {
    return dropout2.forward(context, mlp.forward(context, from));
  };
  if (norm_before_) {
    const Tensor y = x + attended(norm1.forward(context, x));
    return y + computed(norm2.forward(context, y));
  }
  const Tensor y = norm1.forward(context, x + attended(x));
  return norm2.forward(context, y + computed(y));
}

void TransformerBlock::members(Members& m) {
  m.child("norm1", norm1);
  m.child("attention", attention);
  m.child("dropout1", dropout1);
  m.child("norm2", norm2);
  m.child("mlp", mlp);
  m.child("dropout2", dropout2);
}

Transformer::Transformer(const TransformerOptions& options) : recompute_(options.recompute) {
  LACUNA_CHECK(options.width > 0 && options.layers > 0, "Transformer",
               "width and layers must be above 0: got ", options.width, " and ", options.layers);
  for (std::int64_t i = 0; i < options.layers; i++)
    blocks_.push_back(std::make_unique<TransformerBlock>(options));
}

Tensor Transformer::forward(Context& context, const Tensor& input, const Tensor& lengths) {
  Tensor x = input;
  for (const auto& block : blocks_) {
    if (recompute_ && grad_enabled())
      x = recompute(
          [context, lengths, block = block.get()](const std::vector<Tensor>& inputs) mutable {
            return block->forward(context, inputs[0], lengths);
          },
          {x});
    else
      x = block->forward(context, x, lengths);
  }
  return x;
}

Tensor Transformer::forward(Context& context, const Tensor& input, std::vector<KvCache>& caches) {
  LACUNA_CHECK(caches.size() == blocks_.size(), "Transformer", "needs a cache for each of ",
               blocks_.size(), " blocks: got ", caches.size());
  Tensor x = input;
  for (std::size_t i = 0; i < blocks_.size(); i++)
    x = blocks_[i]->forward(context, x, Tensor(), &caches[i]);
  return x;
}

void Transformer::members(Members& m) {
  for (std::size_t i = 0; i < blocks_.size(); i++) m.child(std::to_string(i), *blocks_[i]);
}

}  // namespace lacuna
