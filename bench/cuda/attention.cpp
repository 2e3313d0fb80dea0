// Attention, forward and backward: full, causal and within a window beside cuDNN, with a block mask beside itself without one.
#include "../../kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "../../kernels/random_fill.h"
#include "cases.h"
#include "cudnn_attention.h"

namespace lacuna::bench {
namespace {

constexpr RandomKey kBlockKey = RandomKey::of(7, 7);

struct Heads : AttentionShape {
  double empty = 0;  // share of the blocks of 64 x 64 that are hidden

  std::int64_t blocks() const { return (s + kAttentionBlock - 1) / kAttentionBlock; }
  AttentionMask mask(const Array& shown = {}) const { return {causal, window, {}, shown}; }
  double scale() const { return 1 / std::sqrt(static_cast<double>(d)); }
  std::int64_t first(std::int64_t i) const {
    return window ? std::max<std::int64_t>(0, i + 1 - window) : 0;
  }
  std::int64_t end(std::int64_t i) const { return causal ? i + 1 : s; }
  RandomFill draw_blocks(const Array& y) const {
    return {Distribution::bernoulli, y, {}, kBlockKey, 1 - empty};
  }
  bool sees(std::int64_t i, std::int64_t j) const {
    return empty == 0 || BernoulliThreshold(1 - empty)(
                             draw_word(kBlockKey, static_cast<std::uint64_t>(j / kAttentionBlock),
                                       static_cast<std::uint64_t>(i / kAttentionBlock)));
  }
  double pairs() const {
    double sum = 0;
    if (empty > 0)
      for (std::int64_t i = 0; i < s; i += kAttentionBlock)
        for (std::int64_t j = 0; j < s; j += kAttentionBlock)
          sum += sees(i, j) * kAttentionBlock * kAttentionBlock;
    else
      for (std::int64_t i = 0; i < s; i++) sum += static_cast<double>(end(i) - first(i));
    return sum * static_cast<double>(b * h);
  }
};

enum Place : std::size_t { kQ, kK, kV, kResult, kLse, kOutput, kGradient, kKeys, kValues };

// The result is y, or where `backward` dq (dk and dv are sums over all queries, each of which would need its own row sum).
Sampled reference(const Heads& p, const DeviceArrays& arrays, bool backward) {
  const DeviceArray &q = *arrays[kQ], &k = *arrays[kK], &v = *arrays[kV];
  Sampled out;
  for (const std::int64_t e : places(p.b * p.h * p.s * p.d, 16)) {
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
      weights.push_back(p.sees(i, j) ? p.scale() * dot(q, k, j) : -INFINITY);
      most = std::max(most, weights.back());
    }
    for (double& w : weights) total += w = most == -INFINITY ? 0 : std::exp(w - most);
    if (total == 0) total = 1;  // a query that sees nothing
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

Rival cudnn(const Heads& p, bool backward) {
  return {[=] {
            const auto library = std::make_shared<CudnnAttention>(p, backward, "");
            const auto run = [=](int way, const Arrays& a) {
              return backward ? library->backward(way, a[kQ].data, a[kK].data, a[kV].data,
                                                  a[kOutput].data, a[kLse].data, a[kGradient].data,
                                                  a[kResult].data, a[kKeys].data, a[kValues].data)
                              : library->forward(way, a[kQ].data, a[kK].data, a[kV].data,
                                                 a[kResult].data, a[kLse].data);
            };
            return Baseline{library->graph().plans(),
                            [=](int way) { return "cuDNN " + library->graph().plan_name(way); },
                            run, kResult};
          },
          [=](const std::string& device) {
            return CudnnAttention(p, backward, device).graph().offered();
          }};
}

Case attention(const Heads& p, bool backward) {
  Case c;
  c.name =
      std::string("attention ") + (backward ? "backward" : "forward") + " bf16 " +
      std::to_string(p.b) + "x" + std::to_string(p.h) + "x" + std::to_string(p.s) + "x" +
      std::to_string(p.d) + (p.causal ? " causal" : "") +
      (p.window ? " window " + std::to_string(p.window) : "") +
      (p.empty > 0 ? " blocks " + std::to_string(std::lround(100 * p.empty)) + " % empty" : "");
  c.op = backward ? "attention_backward" : "attention_forward";
  c.settings = {
      {"causal", p.causal}, {"window", static_cast<double>(p.window)}, {"empty", p.empty}};
  c.dtype = Dtype::bf16;
  c.flops = (backward ? 10 : 4) * p.pairs() * static_cast<double>(p.d);
  const Operand rows{{p.b, p.h, p.s, p.d}, Dtype::bf16}, sums{{p.b, p.h, p.s}, Dtype::f32};
  const double n = static_cast<double>(p.b * p.h * p.s);
  c.bytes = n * (static_cast<double>(p.d) * 2 * (backward ? 8 : 4) + 4);
  c.operands = {rows, rows, rows, rows, sums, rows, rows, rows, rows};
  if (!backward) c.operands.resize(kOutput);
  c.result = kResult;
  if (p.empty > 0) c.operands.push_back({{p.blocks(), p.blocks()}, Dtype::u8});
  const auto mask = [p](const Arrays& a, bool blocks) {
    return p.mask(blocks && p.empty > 0 ? a.back() : Array{});
  };
  const auto forward = [=](const Arrays& a, std::size_t y, bool blocks, How how) {
    call<&KernelTable::attention_forward>(
        AttentionForward{a[y], a[kLse], a[kQ], a[kK], a[kV], p.scale(), mask(a, blocks)}, how);
  };
  const auto all = [=](const Arrays& a, bool blocks, How how) {
    if (!backward) return forward(a, kResult, blocks, how);
    call<&KernelTable::attention_backward>(
        AttentionBackward{a[kResult], a[kKeys], a[kValues], a[kQ], a[kK], a[kV], a[kOutput],
                          a[kLse], a[kGradient], p.scale(), mask(a, blocks)},
        how);
  };
  c.prepare = [=](const Arrays& a, How how) {
    if (p.empty > 0) call<&KernelTable::random_fill>(p.draw_blocks(a.back()), how);
    if (backward) forward(a, kOutput, true, how);
  };
  c.kernel = [=](const Arrays& a, How how) { all(a, true, how); };
  c.reference = [p, backward](const DeviceArrays& arrays) {
    return reference(p, arrays, backward);
  };
  if (p.empty == 0)
    c.rivals = {cudnn(p, backward)};
  else
    c.rivals = {{[=] {
      return Baseline{1,
                      [](int) { return std::string("lacuna, no blocks"); },
                      [=](int, const Arrays& a) {
                        all(a, false, How::run);
                        return true;
                      },
                      {}};
    }}};
  return c;
}

}  // namespace

std::vector<Case> attention_cases(bool small) {
  std::vector<Heads> all{{{1, 2, 136, 64}},
                         {{1, 1, 136, 128, true}},
                         {{2, 1, 136, 64, true, 40}},
                         {{1, 1, 200, 64}, 0.5}};
  if (!small)
    all = {{{1, 16, 8192, 128}},
           {{1, 16, 8192, 128, true}},
           {{16, 12, 1024, 64}},
           {{16, 12, 1024, 64, true}},
           {{2, 12, 8192, 64, true}},
           {{1, 16, 8192, 128, true, 1024}},
           {{1, 12, 8192, 64, true, 1024}},
           {{1, 12, 32768, 64, true, 1024}},
           {{1, 16, 8192, 128}, 0.5},
           {{1, 16, 8192, 128}, 0.9}};
  std::vector<Case> cases;
  for (const Heads& p : all)
    for (const bool backward : {false, true}) cases.push_back(attention(p, backward));
  return cases;
}

}  // namespace lacuna::bench
