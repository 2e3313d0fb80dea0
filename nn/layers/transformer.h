#pragma once
// Transformer blocks, from which every text model here is built. drop is dropout, mlp(x) = down(gelu(up(x))):
//
//   norm after (Vaswani et al. 2017; GPT-1, BERT)      x = norm1(x + drop(attention(x)));  x = norm2(x + drop(mlp(x)))
//   norm before (GPT-2)                                x = x + drop(attention(norm1(x)));  x = x + drop(mlp(norm2(x)))
#include <memory>
#include <vector>

#include "attention.h"
#include "dropout.h"
#include "layer_norm.h"

namespace lacuna {

struct TransformerOptions {
  std::int64_t width = 0, layers = 0, heads = 1;
  std::int64_t inner = 0;  // of the mlp; 0: 4 width
  bool causal = false;
  bool norm_before = false;
  bool bias = true;       // of linear layers and norms
  bool gelu_tanh = true;  // gelu's approximation by tanh; else the exact one
  double eps = 1e-5;      // of norms
  double dropout = 0;     // of what is added to x, and of attention's probabilities
  Initializer start = init::normal(0, 0.02);
  Initializer start_added = init::normal(0, 0.02);  // of what is added to x: attention.out, down
  /// Keep only the inputs of blocks for backward, which computes the rest again: less memory, a third more work.
  bool recompute = false;
};

/// down(gelu(up(x))), (..., width) to the same shape.
class Mlp : public Module {
 public:
  Linear up, down;

  explicit Mlp(const TransformerOptions& options);
  Tensor forward(Context& context, const Tensor& x) override;
  void members(Members& m) override;

 private:
  bool gelu_tanh_;
};

class TransformerBlock : public Module {
 public:
  LayerNorm norm1, norm2;
  SelfAttention attention;
  Mlp mlp;
  Dropout dropout1, dropout2;

  explicit TransformerBlock(const TransformerOptions& options);
  /// x (n, s, width) to the same shape; lengths and cache as in SelfAttention.
  Tensor forward(Context& context, const Tensor& x, const Tensor& lengths,
                 KvCache* cache = nullptr);
  void members(Members& m) override;

 private:
  bool norm_before_;
};

/// Blocks one after another, named 0, 1, 2, ...
class Transformer : public Module {
 public:
  explicit Transformer(const TransformerOptions& options);
  Tensor forward(Context& context, const Tensor& x, const Tensor& lengths);
  /// Continues what `caches` hold, one a block.
  Tensor forward(Context& context, const Tensor& x, std::vector<KvCache>& caches);
  Tensor forward(Context& context, const Tensor& x) override {
    return forward(context, x, Tensor());
  }
  void members(Members& m) override;

  std::int64_t size() const { return static_cast<std::int64_t>(blocks_.size()); }
  TransformerBlock& operator[](std::int64_t i) { return *blocks_.at(i); }

 private:
  std::vector<std::unique_ptr<TransformerBlock>> blocks_;
  bool recompute_;
};

}  // namespace lacuna
