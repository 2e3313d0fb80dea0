#include "bert.h"

#include "../../core/ops/elementwise.h"
#include "../../core/ops/shape.h"
#include "registry.h"

namespace lacuna {
namespace {

const Initializer kStart = init::truncated_normal(0.02);

TransformerOptions blocks_of(const BertOptions& o) {
  return {.width = o.width,
          .layers = o.layers,
          .heads = o.heads,
          .inner = o.inner,
          .gelu_tanh = o.gelu_tanh,
          .eps = o.eps,
          .dropout = o.dropout,
          .start = kStart,
          .start_added = kStart,
          .recompute = o.recompute};
}

}  // namespace

BertOptions bert_size(const std::string& name) {
  const auto size = [](std::int64_t layers, std::int64_t width, std::int64_t heads) {
    return BertOptions{.width = width, .layers = layers, .heads = heads};
  };
  if (name == "tiny") return size(2, 128, 2);
  if (name == "mini") return size(4, 256, 4);
  if (name == "small") return size(4, 512, 8);
  if (name == "medium") return size(8, 512, 8);
  if (name == "base") return size(12, 768, 12);
  fail("bert", "sizes are tiny, mini, small, medium and base: got \"", name, '"');
}

Bert::Bert(const BertOptions& o)
    : token({o.vocabulary, o.width, kStart}),
      position({o.positions, o.width, kStart}),
      segment({2, o.width, kStart}),
      norm({.shape = {o.width}, .eps = o.eps}),
      dropout(o.dropout),
      blocks(blocks_of(o)),
      pooler({o.width, o.width, true, kStart}),
      options_(o) {}

Tensor Bert::forward(Context& context, const Tensor& tokens, const Tensor& segments,
                     const Tensor& lengths) {
  LACUNA_CHECK(tokens.ndim() == 2 && tokens.dim(1) <= options_.positions, "bert",
               "needs tokens (n, s) of at most ", options_.positions, " positions: got ",
               describe("tokens", tokens));
  LACUNA_CHECK(!segments.defined() || segments.shape() == tokens.shape(), "bert",
               "needs a segment for each token: got ", describe("segments", segments), " for ",
               describe("tokens", tokens));
  const Tensor places = slice(position.weight, 0, 0, tokens.dim(1));
  const Tensor kinds =
      segments.defined() ? segment.forward(context, segments) : slice(segment.weight, 0, 0, 1);
  const Tensor words = token.forward(context, tokens);
  const Tensor sum = words + lacuna::to(places, words.dtype()) + lacuna::to(kinds, words.dtype());
  return blocks.forward(context, dropout.forward(context, norm.forward(context, sum)), lengths);
}

Tensor Bert::pooled(Context& context, const Tensor& hidden) {
  LACUNA_CHECK(options_.pooler, "bert", "this one was made without a pooler");
  return pooler.forward(context, select(hidden, 1, 0), Epilogue::tanh);
}

void Bert::members(Members& m) {
  m.child("token", token);
  m.child("position", position);
  m.child("segment", segment);
  m.child("norm", norm);
  m.child("dropout", dropout);
  m.child("blocks", blocks);
  if (options_.pooler) m.child("pooler", pooler);
}

std::string Bert::architecture() const {
  const BertOptions& o = options_;
  const auto n = [](auto value) { return static_cast<double>(value); };
  return Architecture{"bert",
                      {{"vocabulary", n(o.vocabulary)},
                       {"positions", n(o.positions)},
                       {"width", n(o.width)},
                       {"layers", n(o.layers)},
                       {"heads", n(o.heads)},
                       {"inner", n(o.inner)},
                       {"gelu_tanh", n(o.gelu_tanh)},
                       {"pooler", n(o.pooler)},
                       {"eps", o.eps},
                       {"dropout", o.dropout}}}
      .to_json();
}

std::unique_ptr<Module> make_bert(const Architecture& a) {
  a.check_names({"vocabulary", "positions", "width", "layers", "heads", "inner", "gelu_tanh",
                 "pooler", "eps", "dropout"});
  return std::make_unique<Bert>(BertOptions{.vocabulary = a.integer("vocabulary"),
                                            .positions = a.integer("positions"),
                                            .width = a.integer("width"),
                                            .layers = a.integer("layers"),
                                            .heads = a.integer("heads"),
                                            .inner = a.integer("inner"),
                                            .gelu_tanh = a.integer("gelu_tanh") != 0,
                                            .pooler = a.integer("pooler") != 0,
                                            .eps = a.number("eps"),
                                            .dropout = a.number("dropout")});
}

BertModel::BertModel(const BertOptions& o)
    : encoder(o),
      transform({o.width, o.width, true, kStart}),
      norm({.shape = {o.width}, .eps = o.eps}),
      nsp({o.width, 2, true, kStart}) {}

Tensor BertModel::token_scores(Context& context, const Tensor& rows) {
  const Tensor h = transform.forward(context, rows, Epilogue::none);
  const Tensor x = encoder.options().gelu_tanh ? gelu_tanh(h) : gelu(h);
  return linear(norm.forward(context, x), encoder.token.weight, bias);
}

Tensor BertModel::pair_scores(Context& context, const Tensor& hidden) {
  return nsp.forward(context, encoder.pooled(context, hidden), Epilogue::none);
}

void BertModel::members(Members& m) {
  m.child("encoder", encoder);
  m.child("transform", transform);
  m.child("norm", norm);
  m.parameter("bias", bias, {encoder.options().vocabulary}, init::constant(0));
  if (encoder.options().pooler) m.child("nsp", nsp);
}

}  // namespace lacuna
