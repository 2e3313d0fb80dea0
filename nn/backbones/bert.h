#pragma once
// BERT (Devlin, Chang, Lee, Toutanova 2019): a stack of transformer blocks, norms after, of which each position sees all, and
// the two heads that pretrain it.
//
//   x_i = drop(norm(token[u_i] + position[i] + segment[s_i]));  h = blocks(x);  pooled = tanh(pooler(h_0))
//   scores of a hidden token     norm(gelu(transform(h_i))) token^T + bias
//   scores of "follows, random"  nsp(pooled)
//
// Weights start as a normal of deviation 0.02 cut off at two deviations, biases as 0.
#include "../layers/embedding.h"
#include "../layers/transformer.h"

namespace lacuna {

struct BertOptions {
  std::int64_t vocabulary = 0;
  std::int64_t positions = 512;  // largest number of tokens
  std::int64_t width = 768, layers = 12, heads = 12;
  std::int64_t inner = 0;  // of blocks' mlp; 0: 4 width
  bool gelu_tanh = true;   // as the authors' code has it; else the exact one
  bool pooler = true;      // of no use without next-sentence prediction
  double eps = 1e-12;      // of norms
  double dropout = 0.1;
  bool recompute = false;  // TransformerOptions
};

/// "tiny" (2 layers of 128, 2 heads), "mini" (4 of 256, 4), "small" (4 of 512, 8), "medium" (8 of 512, 8), "base" (12 of 768, 12):
/// Turc, Chang, Lee, Toutanova 2019. An Error that lists them for anything else.
BertOptions bert_size(const std::string& name);

/// Tokens to hidden vectors. The backbone.
class Bert : public Module {
 public:
  Embedding token, position, segment;  // token.weight (vocabulary, width); two segments
  LayerNorm norm;
  Dropout dropout;
  Transformer blocks;
  Linear pooler;

  explicit Bert(const BertOptions& options);
  /// tokens (n, s) i64 to (n, s, width). segments (n, s) i64, 0 or 1, and lengths (n) i64 are optional: all in segment 0, and
  /// nothing is padding.
  Tensor forward(Context& context, const Tensor& tokens, const Tensor& segments,
                 const Tensor& lengths);
  Tensor forward(Context& context, const Tensor& tokens) override {
    return forward(context, tokens, Tensor(), Tensor());
  }
  /// hidden (n, s, width) to what stands for the whole row: (n, width).
  Tensor pooled(Context& context, const Tensor& hidden);
  void members(Members& m) override;
  std::string architecture() const override;
  const BertOptions& options() const { return options_; }

 private:
  BertOptions options_;
};

class BertModel : public Module {
 public:
  Bert encoder;
  Linear transform;
  LayerNorm norm;
  Tensor bias;  // (vocabulary)
  Linear nsp;   // of two classes: 0, B follows A; 1, B is from elsewhere. With encoder.pooler only

  explicit BertModel(const BertOptions& options);
  /// rows (m, width) of hidden vectors to scores (m, vocabulary) of the tokens that were there.
  Tensor token_scores(Context& context, const Tensor& rows);
  /// hidden (n, s, width) to (n, 2).
  Tensor pair_scores(Context& context, const Tensor& hidden);
  void members(Members& m) override;
};

}  // namespace lacuna
