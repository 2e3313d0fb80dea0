#pragma once
// Multi-head self-attention (Vaswani et al. 2017): one product makes the queries, keys and values of all heads, the attention
// op reads them in place, and one more product mixes what the heads found.
//
//   q, k, v = qkv(x);  y = out(softmax(q k^T / sqrt(width / heads) + mask) v)          for each head
#include "../../core/ops/kv_cache.h"
#include "../../core/ops/shape.h"
#include "linear.h"

namespace lacuna {

class SelfAttention : public Module {
 public:
  struct Options {
    std::int64_t width = 0, heads = 1;
    bool causal = false;  // a position sees itself and what is before it
    bool bias = true;
    double dropout = 0;  // of the probabilities
    Initializer start = init::normal(0, 0.02);
    Initializer start_out = init::normal(0, 0.02);
  };

  Linear qkv, out;

  explicit SelfAttention(const Options& options)
      : qkv({options.width, 3 * options.width, options.bias, options.start}),
        out({options.width, options.width, options.bias, options.start_out}),
        options_(options) {
    LACUNA_CHECK(options.heads > 0 && options.width % options.heads == 0, "SelfAttention",
                 "width must be a multiple of heads: got ", options.width, " and ", options.heads);
  }

  /// x (n, s, width) to the same shape. lengths (n) i64 is optional: positions from a row's length on are padding, which
  /// nobody sees. With a cache x continues what it holds: for generating, not on the tape.
  Tensor forward(Context& context, const Tensor& x, const Tensor& lengths,
                 KvCache* cache = nullptr) {
    const Tensor rows = qkv.forward(context, x, Epilogue::none);
    const AttentionOptions how{
        .causal = options_.causal, .lengths = lengths, .dropout = options_.dropout};
    return out.forward(context,
                       cache ? continued(rows, *cache, how)
                             : self_attention(rows, options_.heads, how, &context, path()),
                       Epilogue::none);
  }
  Tensor forward(Context& context, const Tensor& x) override {
    return forward(context, x, Tensor());
  }

  void members(Members& m) override {
    m.child("qkv", qkv);
    m.child("out", out);
  }

 private:
  Tensor continued(const Tensor& rows, KvCache& cache, AttentionOptions how) const {
    LACUNA_CHECK(how.causal, "SelfAttention", "a cache is for causal attention");
    how.dropout = 0;
    const std::int64_t n = rows.dim(0), s = rows.dim(1), width = rows.dim(2) / 3;
    const Tensor parts = reshape(rows, {n, s, 3, options_.heads, width / options_.heads});
    const auto part = [&](int i) { return permute(select(parts, 2, i), {0, 2, 1, 3}); };
    return reshape(permute(cache.attend(part(0), part(1), part(2), how), {0, 2, 1, 3}),
                   {n, s, width});
  }

  Options options_;
};

}  // namespace lacuna
