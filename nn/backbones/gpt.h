#pragma once
// GPT: a stack of transformer blocks of which each position sees only itself and what is before it, and which predicts the
// token after each position. Two kinds, from one set of parts:
//
//   gpt1  Radford, Narasimhan, Salimans, Sutskever 2018: norms after, none at the end
//   gpt2  Radford, Wu, Child, Luan, Amodei, Sutskever 2019: norms before, one at the end; what is added to x starts smaller,
//         by 1 / sqrt(2 layers)
//
//   x_i = drop(token[u_i] + position[i]);  h = norm(blocks(x));  logits = h token^T
//
// One table embeds tokens and predicts them. All weights start as N(0, 0.02), GPT-2's positions as N(0, 0.01), biases as 0.
#include "../layers/embedding.h"
#include "../layers/transformer.h"

namespace lacuna {

struct GptOptions {
  std::int64_t vocabulary = 0;
  std::int64_t context = 1024;  // largest number of positions
  std::int64_t width = 768, layers = 12, heads = 12;
  bool gpt1 = false;
  bool bias = true;  // of linear layers and norms
  bool gelu_tanh = true;
  double eps = 1e-5;
  double dropout = 0.1;
  bool recompute = false;  // TransformerOptions
};

/// Tokens (n, s) i64, s at most `context`, to hidden vectors (n, s, width). The backbone.
class Gpt : public Module {
 public:
  Embedding token, position;  // token.weight (vocabulary, width), position.weight (context, width)
  Dropout dropout;
  Transformer blocks;
  LayerNorm norm;  // gpt2

  explicit Gpt(const GptOptions& options);
  Tensor forward(Context& context, const Tensor& tokens) override;
  /// The same of tokens that follow those in the caches, which take them in: for generating, one or a few at a time.
  Tensor forward(Context& context, const Tensor& tokens, std::vector<KvCache>& caches);
  /// Empty caches, one a block, for `rows` texts of up to `context` tokens.
  std::vector<KvCache> caches(std::int64_t rows) const;
  /// Scores of all tokens to come next after hidden vectors (..., width): (..., vocabulary).
  Tensor logits(const Tensor& hidden) const;
  void members(Members& m) override;
  std::string architecture() const override;
  const GptOptions& options() const { return options_; }

 private:
  // tokens that stand at position `start` and on
  Tensor embed(Context& context, const Tensor& tokens, std::int64_t start);
  Tensor finish(Context& context, const Tensor& x) {
    return options_.gpt1 ? x : norm.forward(context, x);
  }

  GptOptions options_;
};

/// The language model: its head is the encoder's own table of tokens.
class GptModel : public Module {
 public:
  Gpt encoder;

  explicit GptModel(const GptOptions& options) : encoder(options) {}
  /// Tokens (n, s) to logits (n, s, vocabulary); (n, vocabulary) of the last position where only that one is wanted.
  Tensor forward(Context& context, const Tensor& tokens, bool only_last);
  Tensor forward(Context& context, const Tensor& tokens) override {
    return forward(context, tokens, false);
  }
  void members(Members& m) override { m.child("encoder", encoder); }
};

}  // namespace lacuna
