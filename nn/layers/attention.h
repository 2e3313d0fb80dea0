#pragma once
// Multi-head self-attention (Vaswani et al. 2017): one product makes the queries, keys and values of all heads, the attention
// op reads them in place, and one more product mixes what the heads found.
//
//   q, k, v = qkv(x);  y = out(softmax(q k^T / sqrt(width / heads) + mask) v)          for each head
#include <cmath>

#include "../../core/ops/elementwise.h"
#include "../../core/ops/kv_cache.h"
#include "../../core/ops/matmul.h"
#include "../../core/ops/shape.h"
#include "../../core/ops/softmax.h"
#include "../../core/tape.h"
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
    if (context.attention_maps && !cache)
      context.attention_maps->push_back(probabilities(rows, lengths));
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
  // (n, heads, s, width / heads): queries, keys or values among qkv's rows.
  Tensor part_of(const Tensor& rows, int which) const {
    const std::int64_t n = rows.dim(0), s = rows.dim(1), width = rows.dim(2) / 3;
    const Tensor parts = reshape(rows, {n, s, 3, options_.heads, width / options_.heads});
    return permute(select(parts, 2, which), {0, 2, 1, 3});
  }

  Tensor probabilities(const Tensor& rows, const Tensor& lengths) const {
    const NoGrad guard;
    const Tensor q = lacuna::to(part_of(rows, 0), Dtype::f32),
                 k = lacuna::to(part_of(rows, 1), Dtype::f32);
    const std::int64_t n = q.dim(0), s = q.dim(2);
    std::vector<float> hidden(static_cast<std::size_t>(n * s * s));
    const auto length = lengths.defined()
                            ? lengths.to_vector<std::int64_t>()
                            : std::vector<std::int64_t>(static_cast<std::size_t>(n), s);
    for (std::int64_t r = 0, at = 0; r < n; r++)
      for (std::int64_t i = 0; i < s; i++)
        for (std::int64_t j = 0; j < s; j++, at++)
          if (j >= length[static_cast<std::size_t>(r)] || (options_.causal && j > i))
            hidden[static_cast<std::size_t>(at)] = -1e30f;
    const double scale = 1 / std::sqrt(static_cast<double>(q.dim(3)));
    return softmax(matmul(q, k, {.transpose_b = true}) * scale +
                   Tensor::from(hidden, {n, 1, s, s}, q.device()));
  }

  Tensor continued(const Tensor& rows, KvCache& cache, AttentionOptions how) const {
    LACUNA_CHECK(how.causal, "SelfAttention", "a cache is for causal attention");
    how.dropout = 0;
    const std::int64_t n = rows.dim(0), s = rows.dim(1), width = rows.dim(2) / 3;
    return reshape(permute(cache.attend(part_of(rows, 0), part_of(rows, 1), part_of(rows, 2), how),
                           {0, 2, 1, 3}),
                   {n, s, width});
  }

  Options options_;
};

}  // namespace lacuna
