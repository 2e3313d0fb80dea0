#pragma once
#include "../context.h"

namespace lacuna {

/// Query i of sample b sees key j where all that is given holds. Queries stand at the end: the last one beside the last key.
struct AttentionOptions {
  double scale = 0;         // of q k^T; 0 means 1 / sqrt(d)
  bool causal = false;      // j <= i + sk - sq
  std::int64_t window = 0;  // where not 0: j > i + sk - sq - window
  Tensor lengths = {};      // optional, (b) i64: j < lengths[b], the rest is padding
  Tensor blocks =
      {};  // optional, (ceil(sq / 64), ceil(sk / 64)) u8: 0 hides 64 queries from 64 keys
  double dropout =
      0;  // of probabilities while ctx->training, as dropout() does it; wants ctx and stream
};

/// softmax(scale q k^T + mask) v of q (b, h, sq, d), k and v (b, h, sk, d), without the scores in memory, forward or
/// backward. Heads may lie inside rows: (b, s, h, d) permuted is read in place, and the result is laid out as q is. A query
/// that sees no key gives zeros. d is at most 128 on cuda and emu.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionOptions& options = {}, const Context* ctx = nullptr,
                 std::string_view stream = "attention");

/// The same of q, k and v that one product made: qkv (b, s, 3 h d), in a row all heads of q, then of k, then of v. Gives
/// (b, s, h d). Nothing is copied, and the gradient is one tensor laid out as qkv.
Tensor self_attention(const Tensor& qkv, std::int64_t heads, const AttentionOptions& options = {},
                      const Context* ctx = nullptr, std::string_view stream = "attention");

}  // namespace lacuna
