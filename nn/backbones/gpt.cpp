#include "gpt.h"

#include <cmath>

#include "../../core/ops/elementwise.h"
#include "../../core/ops/shape.h"
#include "registry.h"

namespace lacuna {
namespace {

TransformerOptions blocks_of(const GptOptions& o) {
  const double added = o.gpt1 ? 0.02 : 0.02 / std::sqrt(2.0 * static_cast<double>(o.layers));
  return {.width = o.width,
          .layers = o.layers,
          .heads = o.heads,
          .causal = true,
          .norm_before = !o.gpt1,
          .bias = o.bias,
          .gelu_tanh = o.gelu_tanh,
          .eps = o.eps,
          .dropout = o.dropout,
          .start_added = init::normal(0, added),
          .recompute = o.recompute};
}

}  // namespace

Gpt::Gpt(const GptOptions& o)
    : token({o.vocabulary, o.width, init::normal(0, 0.02)}),
      position({o.context, o.width, init::normal(0, o.gpt1 ? 0.02 : 0.01)}),
      dropout(o.dropout),
      blocks(blocks_of(o)),
      norm({.shape = {o.width}, .eps = o.eps, .bias = o.bias}),
      options_(o) {}

Tensor Gpt::embed(Context& context, const Tensor& tokens, std::int64_t start) {
  LACUNA_CHECK(tokens.ndim() == 2 && start + tokens.dim(1) <= options_.context, "gpt",
               "needs tokens (n, s) of at most ", options_.context, " positions: got ",
               describe("tokens", tokens), " after ", start);
  const Tensor places = slice(position.weight, 0, start, start + tokens.dim(1));
  const Tensor words = token.forward(context, tokens);
  return dropout.forward(context, words + lacuna::to(places, words.dtype()));
}

Tensor Gpt::forward(Context& context, const Tensor& tokens) {
  return finish(context, blocks.forward(context, embed(context, tokens, 0)));
}

Tensor Gpt::forward(Context& context, const Tensor& tokens, std::vector<KvCache>& caches) {
  LACUNA_CHECK(!caches.empty(), "gpt", "needs the caches that caches() makes");
  const Tensor x = embed(context, tokens, caches[0].length());
  return finish(context, blocks.forward(context, x, caches));
}

std::vector<KvCache> Gpt::caches(std::int64_t rows) const {
  const GptOptions& o = options_;
  std::vector<KvCache> all;
  for (std::int64_t i = 0; i < o.layers; i++)
    all.emplace_back(rows, o.heads, o.context, o.width / o.heads, token.weight.device(),
                     token.weight.dtype());
  return all;
}

Tensor Gpt::logits(const Tensor& hidden) const { return linear(hidden, token.weight); }

void Gpt::members(Members& m) {
  m.child("token", token);
  m.child("position", position);
  m.child("dropout", dropout);
  m.child("blocks", blocks);
  if (!options_.gpt1) m.child("norm", norm);
}

std::string Gpt::architecture() const {
  const GptOptions& o = options_;
  const auto n = [](auto value) { return static_cast<double>(value); };
  return Architecture{"gpt",
                      {{"vocabulary", n(o.vocabulary)},
                       {"context", n(o.context)},
                       {"width", n(o.width)},
                       {"layers", n(o.layers)},
                       {"heads", n(o.heads)},
                       {"gpt1", n(o.gpt1)},
                       {"bias", n(o.bias)},
                       {"gelu_tanh", n(o.gelu_tanh)},
                       {"eps", o.eps},
                       {"dropout", o.dropout}}}
      .to_json();
}

std::unique_ptr<Module> make_gpt(const Architecture& a) {
  a.check_names({"vocabulary", "context", "width", "layers", "heads", "gpt1", "bias", "gelu_tanh",
                 "eps", "dropout"});
  return std::make_unique<Gpt>(GptOptions{.vocabulary = a.integer("vocabulary"),
                                          .context = a.integer("context"),
                                          .width = a.integer("width"),
                                          .layers = a.integer("layers"),
                                          .heads = a.integer("heads"),
                                          .gpt1 = a.integer("gpt1") != 0,
                                          .bias = a.integer("bias") != 0,
                                          .gelu_tanh = a.integer("gelu_tanh") != 0,
                                          .eps = a.number("eps"),
                                          .dropout = a.number("dropout")});
}

Tensor GptModel::forward(Context& context, const Tensor& tokens, bool only_last) {
  const Tensor hidden = encoder.forward(context, tokens);
  return encoder.logits(only_last ? select(hidden, 1, hidden.dim(1) - 1) : hidden);
}

}  // namespace lacuna
