// Attention, forward and backward. No baseline yet: its rows say how far from the floor and from f64 it is.
#include "../../kernels/attention.h"

#include <algorithm>
#include <cmath>

#include "../../kernels/random.h"
#include "cases.h"

namespace lacuna::bench {
namespace {

struct Heads {
  std::int64_t b, h, s, d;
  bool causal = false;
  std::int64_t window = 0;

  AttentionMask mask() const { return {causal, window}; }
  double scale() const { return 1 / std::sqrt(static_cast<double>(d)); }
  std::int64_t first(std::int64_t i) const {
    return window ? std::max<std::int64_t>(0, i + 1 - window) : 0;
  }
  std::int64_t end(std::int64_t i) const { return causal ? i + 1 : s; }
  double pairs() const {
    double sum = 0;
    for (std::int64_t i = 0; i < s; i++) sum += static_cast<double>(end(i) - first(i));
    return sum * static_cast<double>(b * h);
  }
};

enum Place : std::size_t { kQ, kK, kV, kResult, kLse, kOutput, kGradient, kKeys, kValues };

// The result is y, or where `backward` dq (dk and dv are sums over all queries, each of which would need its own row sum).
Sampled reference(const Heads& p, const DeviceArrays& arrays, bool backward) {
  const DeviceArray &q = *arrays[kQ], &k = *arrays[kK], &v = *arrays[kV];
  const RandomKey key = RandomKey::of(7, 7);
  Sampled out;
  for (std::uint64_t r = 0; r < 16; r++) {
    const std::int64_t e =
        below(draw_word(key, r, 0), static_cast<std::uint32_t>(p.b * p.h * p.s * p.d));
    const std::int64_t c = e % p.d, row = e - c, i = e / p.d % p.s,
                       head = e / p.d / p.s * p.s * p.d;
    const auto dot = [&](const DeviceArray& a, const DeviceArray& b, std::int64_t j) {
      double sum = 0;
      for (std::int64_t t = 0; t < p.d; t++) sum += a.at(row + t) * b.at(head + j * p.d + t);
      return sum;
    };
    std::vector<double> weights;
    double most = -INFINITY, total = 0, y = 0, delta = 0, both = 0, keys = 0;
    for (std::int64_t j = p.first(i); j < p.end(i); j++) {
      weights.push_back(p.scale() * dot(q, k, j));
      most = std::max(most, weights.back());
    }
    for (double& w : weights) total += w = std::exp(w - most);
    for (std::int64_t j = p.first(i); j < p.end(i); j++) {
      const double w = weights[j - p.first(i)] / total;
      if (backward) {
        const double dp = dot(*arrays[kGradient], v, j), at = k.at(head + j * p.d + c);
        delta += w * dp, both += w * dp * at, keys += w * at;
      } else {
        y += w * v.at(head + j * p.d + c);
      }
    }
    out.emplace_back(e, backward ? p.scale() * (both - delta * keys) : y);
  }
  return out;
}

Case attention(const Heads& p, bool backward) {
  Case c;
  c.name = std::string("attention ") + (backward ? "backward" : "forward") + " bf16 " +
           std::to_string(p.b) + "x" + std::to_string(p.h) + "x" + std::to_string(p.s) + "x" +
           std::to_string(p.d) + (p.causal ? " causal" : "") +
           (p.window ? " window " + std::to_string(p.window) : "");
  c.dtype = Dtype::bf16;
  c.flops = (backward ? 10 : 4) * p.pairs() * static_cast<double>(p.d);
  const Operand rows{{p.b, p.h, p.s, p.d}, Dtype::bf16}, sums{{p.b, p.h, p.s}, Dtype::f32};
  const double n = static_cast<double>(p.b * p.h * p.s);
  c.bytes = n * (static_cast<double>(p.d) * 2 * (backward ? 8 : 4) + 4);
  c.operands = {rows, rows, rows, rows, sums};
  c.result = kResult;
  const auto forward = [p](const Arrays& a, std::size_t y, How how) {
    call<&KernelTable::attention_forward>(
        AttentionForward{a[y], a[kLse], a[kQ], a[kK], a[kV], p.scale(), p.mask()}, how);
  };
  if (backward) {
    for (int i = 0; i < 4; i++) c.operands.push_back(rows);
    c.prepare = [forward](const Arrays& a, How how) { forward(a, kOutput, how); };
    c.kernel = [p](const Arrays& a, How how) {
      call<&KernelTable::attention_backward>(
          AttentionBackward{a[kResult], a[kKeys], a[kValues], a[kQ], a[kK], a[kV], a[kOutput],
                            a[kLse], a[kGradient], p.scale(), p.mask()},
          how);
    };
  } else {
    c.kernel = [forward](const Arrays& a, How how) { forward(a, kResult, how); };
  }
  c.reference = [p, backward](const DeviceArrays& arrays) {
    return reference(p, arrays, backward);
  };
  return c;
}

}  // namespace

std::vector<Case> attention_cases(bool small) {
  std::vector<Heads> all{{2, 4, 1024, 64}, {2, 4, 1024, 128, true}, {1, 4, 1024, 64, true, 256}};
  if (!small)
    all = {{1, 16, 8192, 128},           {1, 16, 8192, 128, true}, {16, 12, 1024, 64},
           {16, 12, 1024, 64, true},     {2, 12, 8192, 64, true},  {1, 16, 8192, 128, true, 1024},
           {1, 12, 8192, 64, true, 1024}};
  std::vector<Case> cases;
  for (const Heads& p : all)
    for (const bool backward : {false, true}) cases.push_back(attention(p, backward));
  return cases;
}

}  // namespace lacuna::bench
