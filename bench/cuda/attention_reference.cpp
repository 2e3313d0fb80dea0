#include "attention_reference.h"

#include <algorithm>
#include <cmath>

namespace lacuna::bench {
namespace {

constexpr RandomKey kBlockKey = RandomKey::of(7, 7), kDropKey = RandomKey::of(7, 8);

/// Element c of line i of a matrix of `lines` in row (sample, head).
struct At {
  std::int64_t row, i, c;
  At(std::int64_t element, std::int64_t lines, std::int64_t d)
      : row(element / d / lines), i(element / d % lines), c(element % d) {}
};

double dot(const Heads& p, const DeviceArray& a, std::int64_t line, const DeviceArray& b,
           std::int64_t other) {
  double sum = 0;
  for (std::int64_t t = 0; t < p.d; t++) sum += a.at(line * p.d + t) * b.at(other * p.d + t);
  return sum;
}

/// The probabilities of query i of a row, from its first key on.
struct Probabilities {
  std::int64_t first, end;
  std::vector<double> p;
  double lse;

  Probabilities(const Heads& h, const DeviceArrays& a, std::int64_t row, std::int64_t i)
      : first(h.first(i)), end(h.end(row / h.h, i)) {
    double most = -INFINITY, total = 0;
    for (std::int64_t j = first; j < end; j++) {
      p.push_back(h.sees(i, j) ? h.scale() * dot(h, *a[kQ], row * h.sq() + i, *a[kK], row * h.s + j)
                               : -INFINITY);
      most = std::max(most, p.back());
    }
    for (double& s : p) total += s = most == -INFINITY ? 0 : std::exp(s - most);
    lse = most + std::log(total);
    if (total > 0)  // a query that sees nothing has none
      for (double& s : p) s /= total;
  }
};

}  // namespace

double Heads::scale() const { return 1 / std::sqrt(static_cast<double>(d)); }
std::int64_t Heads::first(std::int64_t i) const {
  return window ? std::max<std::int64_t>(0, i + s - sq() + 1 - window) : 0;
}
std::int64_t Heads::end(std::int64_t sample, std::int64_t i) const {
  return std::min(causal ? i + s - sq() + 1 : s, length(sample));
}
bool Heads::sees(std::int64_t i, std::int64_t j) const {
  return empty == 0 || BernoulliThreshold(1 - empty)(
                           draw_word(kBlockKey, static_cast<std::uint64_t>(j / kAttentionBlock),
                                     static_cast<std::uint64_t>(i / kAttentionBlock)));
}
double Heads::pairs() const {
  double sum = 0;
  if (empty > 0) {
    const auto cut = [&](std::int64_t from) {
      return std::min<std::int64_t>(kAttentionBlock, s - from);
    };
    for (std::int64_t i = 0; i < s; i += kAttentionBlock)
      for (std::int64_t j = 0; j < s; j += kAttentionBlock)
        sum += static_cast<double>(sees(i, j) * cut(i) * cut(j));
    return sum * static_cast<double>(b * h);
  }
  for (std::int64_t sample = 0; sample < b; sample++)
    for (std::int64_t i = 0; i < sq(); i++)
      sum += static_cast<double>(std::max<std::int64_t>(0, end(sample, i) - first(i)));
  return sum * static_cast<double>(h);
}
double Heads::keys() const {
  double sum = 0;
  for (std::int64_t sample = 0; sample < b; sample++) sum += static_cast<double>(length(sample));
  return sum * static_cast<double>(h);
}
RandomFill Heads::draw_blocks(const Array& y) const {
  return {Distribution::bernoulli, y, {}, kBlockKey, 1 - empty};
}
AttentionDropout Heads::dropped() const { return {dropout, kDropKey}; }
double Heads::kept(std::int64_t row, std::int64_t i, std::int64_t j) const {
  if (dropout == 0) return 1;
  const auto element = static_cast<std::uint64_t>((row % h * sq() + i) * s + j);
  const bool stays = BernoulliThreshold(1 - dropout)(
      draw_word(kDropKey, element, static_cast<std::uint64_t>(row / h)));
  return stays ? 1 / (1 - dropout) : 0;
}

Sampled attention_y(const Heads& h, const DeviceArrays& a) {
  Sampled out;
  for (const std::int64_t e : places(h.b * h.h * h.sq() * h.d, 16)) {
    const At at(e, h.sq(), h.d);
    const Probabilities of(h, a, at.row, at.i);
    double y = 0;
    for (std::int64_t j = of.first; j < of.end; j++)
      y +=
          of.p[j - of.first] * h.kept(at.row, at.i, j) * a[kV]->at((at.row * h.s + j) * h.d + at.c);
    out.emplace_back(e, y);
  }
  return out;
}

Sampled attention_lse(const Heads& h, const DeviceArrays& a) {
  Sampled out;
  for (const std::int64_t e : places(h.b * h.h * h.sq(), 8))
    out.emplace_back(e, Probabilities(h, a, e / h.sq(), e % h.sq()).lse);
  return out;
}

// dq = scale ds k with ds = p (drop(dy v^T) - delta), delta = sum over keys of p drop(dy v^T): from q, k, v and dy alone.
Sampled attention_dq(const Heads& h, const DeviceArrays& a) {
  Sampled out;
  for (const std::int64_t e : places(h.b * h.h * h.sq() * h.d, 16)) {
    const At at(e, h.sq(), h.d);
    const Probabilities of(h, a, at.row, at.i);
    double delta = 0, both = 0, keys = 0;
    for (std::int64_t j = of.first; j < of.end; j++) {
      const std::int64_t key = at.row * h.s + j;
      const double p = of.p[j - of.first], k = a[kK]->at(key * h.d + at.c),
                   dp = h.kept(at.row, at.i, j) *
                        dot(h, *a[kGradient], at.row * h.sq() + at.i, *a[kV], key);
      delta += p * dp, both += p * dp * k, keys += p * k;
    }
    out.emplace_back(e, h.scale() * (both - delta * keys));
  }
  return out;
}

Sampled attention_dkv(const Heads& h, const DeviceArrays& a, bool keys) {
  Sampled out;
  for (const std::int64_t e : places(h.b * h.h * h.s * h.d, 8)) {
    const At at(e, h.s, h.d);
    const std::int64_t queries = at.row * h.sq(), key = at.row * h.s + at.i;
    const auto lse = a[kLse]->fetch(queries, h.sq()),
               y = keys ? a[kOutput]->fetch(queries * h.d, h.sq() * h.d) : std::vector<double>();
    double sum = 0;
    for (std::int64_t i = 0; i < h.sq(); i++) {
      if (at.i < h.first(i) || at.i >= h.end(at.row / h.h, i) || !h.sees(i, at.i)) continue;
      const std::int64_t query = queries + i;
      const double p = std::exp(h.scale() * dot(h, *a[kQ], query, *a[kK], key) - lse[i]),
                   kept = h.kept(at.row, i, at.i);
      if (!keys) {
        sum += p * kept * a[kGradient]->at(query * h.d + at.c);
        continue;
      }
      double delta = 0;
      for (std::int64_t t = 0; t < h.d; t++)
        delta += a[kGradient]->at(query * h.d + t) * y[i * h.d + t];
      sum += h.scale() * p * (kept * dot(h, *a[kGradient], query, *a[kV], key) - delta) *
             a[kQ]->at(query * h.d + at.c);
    }
    out.emplace_back(e, sum);
  }
  return out;
}

}  // namespace lacuna::bench
