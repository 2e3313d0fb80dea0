#pragma once
// Attention's results by their definition in f64, at a few places of each.
#include "../../kernels/attention.h"
#include "../../kernels/random_fill.h"
#include "cases.h"
#include "cudnn_attention.h"

namespace lacuna::bench {

struct Heads : AttentionShape {
  double empty = 0;          // share of the blocks of 64 x 64 that are hidden
  bool padded = false;       // samples of length_at() keys
  double dropout = 0;        // share of the probabilities
  std::int64_t queries = 0;  // those of the last tokens; 0: of all

  std::int64_t sq() const { return queries ? queries : s; }
  std::int64_t blocks() const { return (s + kAttentionBlock - 1) / kAttentionBlock; }
  double scale() const;
  std::int64_t length(std::int64_t sample) const { return padded ? length_at(sample, b, s) : s; }
  /// The keys [first, end) of query i are those that it sees, but for blocks.
  std::int64_t first(std::int64_t i) const;
  std::int64_t end(std::int64_t sample, std::int64_t i) const;
  bool sees(std::int64_t i, std::int64_t j) const;
  /// How many pairs of a query and a key that it sees there are, and how many keys.
  double pairs() const;
  double keys() const;
  RandomFill draw_blocks(const Array& y) const;
  AttentionDropout dropped() const;
  /// What is left of a probability of 1: row is sample * h + head.
  double kept(std::int64_t row, std::int64_t i, std::int64_t j) const;
};

// The operands. In a backward pass the result is dq.
enum Place : std::size_t { kQ, kK, kV, kResult, kLse, kOutput, kGradient, kKeys, kValues };

Sampled attention_y(const Heads&, const DeviceArrays&);
Sampled attention_lse(const Heads&, const DeviceArrays&);
Sampled attention_dq(const Heads&, const DeviceArrays&);
/// dk or dv. Each is a sum over all queries, whose y and lse are those that the kernel is given: the forward case looks at them.
Sampled attention_dkv(const Heads&, const DeviceArrays&, bool keys);

}  // namespace lacuna::bench
