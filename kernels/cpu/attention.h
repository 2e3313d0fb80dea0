#pragma once
// What attention on cpu is made of: where a head lies, what it may see, and the row loops of f32.
#include "../attention.h"

namespace lacuna::cpu {

/// Rows of one head.
template <class T>
struct HeadRows {
  T* p = nullptr;
  std::int64_t stride = 0;
  HeadRows() = default;
  HeadRows(T* rows, std::int64_t step) : p(rows), stride(step) {}
  HeadRows(const Array& a, std::int64_t sample, std::int64_t head)
      : p(a.as<T>()), stride(a ? a.strides[2] : 0) {
    if (a) p += sample * a.strides[0] + head * a.strides[1];
  }
  T* operator[](std::int64_t i) const { return p + i * stride; }
};

/// One head of one sample: sizes, mask, dropout, row of lse.
struct AttentionHead {
  std::int64_t sample, head, sq, sk, d;
  std::int64_t length;  // keys that are there
  std::uint64_t id, view;
  const AttentionMask* mask;

  template <class Args>
  AttentionHead(const Args& a, std::int64_t number)
      : sample(number / a.q.dim(1)),
        head(number % a.q.dim(1)),
        sq(a.q.dim(2)),
        sk(a.k.dim(2)),
        d(a.q.dim(3)),
        length(a.mask.lengths ? a.mask.lengths.template as<std::int64_t>()[sample] : sk),
        id(static_cast<std::uint64_t>(sample)),
        view(0),
        mask(&a.mask) {
    if (!a.dropout.ids) return;
    const auto* ids = a.dropout.ids.template as<std::int64_t>() + 2 * sample;
    id = static_cast<std::uint64_t>(ids[0]);
    view = static_cast<std::uint64_t>(ids[1]);
  }
  template <class T>
  HeadRows<T> of(const Array& a) const {
    return {a, sample, head};
  }
  AttentionBand keys() const {
    return AttentionBand::of_queries(mask->causal, mask->window, sq, sk, length);
  }
  AttentionBand queries() const {
    return AttentionBand::of_keys(mask->causal, mask->window, sq, sk, length);
  }
  bool block(std::int64_t i, std::int64_t j) const {
    return !mask->blocks ||
           mask->blocks.as<std::uint8_t>()[i / kAttentionBlock * mask->blocks.dim(1) +
                                           j / kAttentionBlock] != 0;
  }
  /// Number of the score (i, j) in its sample's row of random words.
  std::uint64_t element(std::int64_t i, std::int64_t j) const {
    return (static_cast<std::uint64_t>(head) * sq + i) * sk + j;
  }
};

inline double keep_scale(const AttentionDropout& dropout) {
  return dropout.p < 1 ? 1 / (1 - dropout.p) : 0;
}

inline constexpr std::int64_t kMostKeys = 256;  // of a tile

/// One row of a tile of scores; only columns [begin, end) of n are seen, the others become 0. `keep`: what each probability
/// is multiplied with, or null.
struct AttentionRow {
  std::size_t begin, end, n;
  const float* keep;
};

/// The row loops for the best instruction set of this machine.
struct AttentionRows {
  /// keep[j] = `scale` where word `element` + j of (id, view) is at most `last`, else 0; n <= kMostKeys.
  void (*keep)(float* keep, std::uint64_t element, std::size_t n, RandomKey, std::uint64_t id,
               std::uint64_t view, std::uint32_t last, float scale);
  /// s = keep exp(scale s - max), max and sum brought up to date, and what `out` (d) summed so far with them.
  void (*softmax)(float* s, const AttentionRow&, float scale, float& max, float& sum, float* out,
                  std::size_t d);
  /// With p = exp(scale s - lse): s = keep p, dp = p (keep dp - delta).
  void (*gradient)(float* s, float* dp, const AttentionRow&, float scale, float lse, float delta);
  /// s (m, n) = q (m, d) k (n, d)^T of a few queries: no key is packed, each is read once.
  void (*scores)(float* s, const HeadRows<const float>& q, std::int64_t m,
                 const HeadRows<const float>& k, std::int64_t n, std::int64_t d);
  /// out (m, d) += s (m, n) v (n, d), likewise.
  void (*accumulate)(float* out, const float* s, std::int64_t m, const HeadRows<const float>& v,
                     std::int64_t n, std::int64_t d);
  float (*dot)(const float* a, const float* b, std::size_t n);
  void (*multiply)(float* to, const float* from, float factor, std::size_t n);  // to = factor from
};
const AttentionRows& attention_rows();

/// f64, by plain loops: the reference.
void attention_forward_plain(const AttentionForward&);
void attention_backward_plain(const AttentionBackward&);

}  // namespace lacuna::cpu
