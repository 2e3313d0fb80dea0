#pragma once
// Scaled dot-product attention without its matrix of scores in memory (Vaswani et al. 2017; in tiles with a running softmax:
// Dao 2023, "FlashAttention-2"), for each sample and head:
//   s = scale q k^T, -inf where the mask hides a key;  p = exp(s - lse), lse = log(sum over keys of exp s);  y = drop(p) v
//   dv = drop(p)^T dy;  ds = p * (drop(dy v^T) - delta), delta = sum over d of dy * y;  dq = scale ds k;  dk = scale ds^T q
// A query that sees no key has y = 0, lse = -inf and no gradient.
#include "array.h"
#include "random.h"

namespace lacuna {

inline constexpr int kAttentionBlock = 64;      // queries and keys of a block of AttentionMask
inline constexpr int kMaxAttentionDepth = 128;  // head size on cuda and emu

/// Query i of sample b sees key j where all that is given holds. Queries stand at the end: the last one beside the last key.
struct AttentionMask {
  bool causal = false;      // j <= i + sk - sq
  std::int64_t window = 0;  // where not 0: j > i + sk - sq - window
  Array lengths = {};       // optional, (b) i64: j < lengths[b]
  Array blocks = {};  // optional, (ceil(sq / 64), ceil(sk / 64)) u8: not 0 at (i / 64, j / 64)
};

/// Probabilities are dropped as kernels/dropout.h does it, as element (head * sq + i) * sk + j of row b, and never stored.
struct AttentionDropout {
  double p = 0;
  RandomKey key = {};
  Array ids = {};  // optional: (b, 2) i64; without it sample b is sample b of view 0
};

/// q and y (b, h, sq, d), k and v (b, h, sk, d): unit stride in d, any strides >= 0 elsewhere.
struct AttentionForward {
  static constexpr const char* op = "attention";
  Array y;    // out
  Array lse;  // out, (b, h, sq), contiguous; f32, or f64 where q is
  Array q, k, v;
  double scale = 1;  // > 0
  AttentionMask mask = {};
  AttentionDropout dropout = {};
};

struct AttentionBackward {
  static constexpr const char* op = "attention";
  Array dq;      // out, optional, shape of q
  Array dk, dv;  // out, optional, both or neither
  Array q, k, v, y, lse, dy;
  double scale = 1;
  AttentionMask mask = {};
  AttentionDropout dropout = {};
};

void validate(const AttentionForward&);
void validate(const AttentionBackward&);

/// Row r of the scores (or of their transpose) has columns [begin(r), end(r)), blocks aside; neither falls as r rises.
struct AttentionBand {
  std::int32_t low, high;      // columns r + low to r + high - 1 ...
  std::int32_t rows, columns;  // ... of `columns`, in the first `rows` rows

  LACUNA_HD std::int32_t begin(std::int32_t r) const { return r + low > 0 ? r + low : 0; }
  LACUNA_HD std::int32_t end(std::int32_t r) const {
    return r >= rows ? 0 : r + high < columns ? r + high : columns;
  }
  /// Every row in [r0, r1) has every column in [c0, c1).
  LACUNA_HD bool full(std::int32_t r0, std::int32_t r1, std::int32_t c0, std::int32_t c1) const {
    return r1 <= rows && c0 >= begin(r1 - 1) && c1 <= end(r0);
  }

  /// The keys of each query, of which the first `length` are there.
  LACUNA_HD static AttentionBand of_queries(bool causal, std::int64_t window, std::int64_t sq,
                                            std::int64_t sk, std::int64_t length) {
    const std::int64_t shift = sk - sq;
    return {near(window > 0 ? shift - window + 1 : -kFar), near(causal ? shift + 1 : kFar),
            static_cast<std::int32_t>(sq), static_cast<std::int32_t>(within(length, sk))};
  }
  /// The queries of each key.
  LACUNA_HD static AttentionBand of_keys(bool causal, std::int64_t window, std::int64_t sq,
                                         std::int64_t sk, std::int64_t length) {
    const std::int64_t shift = sk - sq;
    return {near(causal ? -shift : -kFar), near(window > 0 ? window - shift : kFar),
            static_cast<std::int32_t>(within(length, sk)), static_cast<std::int32_t>(sq)};
  }

 private:
  static constexpr std::int64_t kFar = 1 << 30;  // no row or column is so far
  LACUNA_HD static std::int32_t near(std::int64_t v) {
    return static_cast<std::int32_t>(v < -kFar ? -kFar : v > kFar ? kFar : v);
  }
  LACUNA_HD static std::int64_t within(std::int64_t length, std::int64_t sk) {
    return length < 0 ? 0 : length < sk ? length : sk;
  }
};

}  // namespace lacuna
