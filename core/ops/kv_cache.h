#pragma once
#include "attention.h"

namespace lacuna {

/// Keys and values of the tokens so far, for generating one token after another: a step appends those of the new tokens in
/// place and attends to all of them. One a layer. All samples have the same number of tokens; where some began shorter,
/// pad them and pass AttentionOptions::lengths, or pad in front. Nothing here is on the tape.
///
///   KvCache cache(batch, heads, capacity, depth, device);
///   y = cache.attend(q, k, v);            // the prompt: q, k, v (batch, heads, tokens, depth)
///   y = cache.attend(q1, k1, v1);         // and then one token at a time
class KvCache {
 public:
  /// Room for `capacity` tokens, all of it taken at once.
  KvCache(std::int64_t batch, std::int64_t heads, std::int64_t capacity, std::int64_t depth,
          Device device = {}, Dtype dtype = Dtype::f32);

  /// Appends k and v (batch, heads, t, depth) behind what is there. Fails where there is no room.
  void append(const Tensor& k, const Tensor& v);
  /// Appends k and v, then attention(q, keys(), values(), options): the last query stands beside the last key.
  Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v,
                const AttentionOptions& options = {.causal = true});

  /// What is there, (batch, heads, length, depth): views, for as long as nothing is appended.
  Tensor keys() const;
  Tensor values() const;
  std::int64_t length() const { return length_; }
  std::int64_t capacity() const { return k_.dim(2); }
  /// Forgets all tokens but the first `length`.
  void reset(std::int64_t length = 0);

 private:
  Tensor k_, v_;  // (batch, heads, capacity, depth)
  std::int64_t length_ = 0;
};

}  // namespace lacuna
