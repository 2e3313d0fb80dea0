// Attention, forward and backward: full, causal and within a window beside cuDNN, with a block mask beside itself without one; and
// with padding, with dropout, and of one query beside the keys so far, as text is generated.
#include "../../kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "../../kernels/random_fill.h"
#include "attention_reference.h"
#include "cases.h"
#include "cudnn_attention.h"

namespace lacuna::bench {
namespace {

std::string name_of(const Heads& p, bool backward) {
  const auto number = [](std::int64_t n) { return std::to_string(n); };
  std::string name = std::string("attention ") + (backward ? "backward" : "forward") + " bf16 " +
                     number(p.b) + "x" + number(p.h) + "x" + number(p.s) + "x" + number(p.d);
  if (p.queries) name += " " + number(p.queries) + (p.queries == 1 ? " query" : " queries");
  if (p.causal) name += " causal";
  if (p.window) name += " window " + number(p.window);
  if (p.empty > 0) name += " blocks " + number(std::lround(100 * p.empty)) + " % empty";
  if (p.padded) name += " padded";
  if (p.dropout > 0) name += " dropout " + number(std::lround(100 * p.dropout)) + " %";
  return name;
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
                            run,
                            backward ? std::vector<std::size_t>{kResult, kKeys, kValues}
                                     : std::vector<std::size_t>{kResult, kLse}};
          },
          [=](const std::string& device) {
            return CudnnAttention(p, backward, device).graph().offered();
          }};
}

Case attention(const Heads& p, bool backward) {
  Case c;
  c.name = name_of(p, backward);
  c.op = backward ? "attention_backward" : "attention_forward";
  c.settings = {{"causal", p.causal},
                {"window", static_cast<double>(p.window)},
                {"empty", p.empty},
                {"padded", p.padded},
                {"dropout", p.dropout}};
  c.dtype = Dtype::bf16;
  c.flops = (backward ? 10 : 4) * p.pairs() * static_cast<double>(p.d);
  const Operand rows{{p.b, p.h, p.sq(), p.d}, Dtype::bf16}, keys{{p.b, p.h, p.s, p.d}, Dtype::bf16},
      sums{{p.b, p.h, p.sq()}, Dtype::f32};
  // Of the queries q and y, of the keys that are there k and v; and the gradients of all four.
  const double n = static_cast<double>(p.b * p.h * p.sq());
  c.bytes = (n + p.keys()) * static_cast<double>(p.d) * 2 * (backward ? 4 : 2) + 4 * n;
  c.operands = {rows, keys, keys, rows, sums, rows, rows, keys, keys};
  if (!backward) c.operands.resize(kOutput);
  const std::size_t extra = c.operands.size();  // what the mask is made of
  if (p.empty > 0) c.operands.push_back({{p.blocks(), p.blocks()}, Dtype::u8});
  if (p.padded) c.operands.push_back({{p.b}, Dtype::i64, Values::lengths, p.s});
  const auto mask = [=](const Arrays& a, bool blocks) {
    AttentionMask mask{p.causal, p.window};
    if (p.padded) mask.lengths = a[extra];
    if (p.empty > 0 && blocks) mask.blocks = a[extra];
    return mask;
  };
  const auto forward = [=](const Arrays& a, std::size_t y, bool blocks, How how) {
    call<&KernelTable::attention_forward>(AttentionForward{a[y], a[kLse], a[kQ], a[kK], a[kV],
                                                           p.scale(), mask(a, blocks), p.dropped()},
                                          how);
  };
  const auto all = [=](const Arrays& a, bool blocks, How how) {
    if (!backward) return forward(a, kResult, blocks, how);
    call<&KernelTable::attention_backward>(
        AttentionBackward{a[kResult], a[kKeys], a[kValues], a[kQ], a[kK], a[kV], a[kOutput],
                          a[kLse], a[kGradient], p.scale(), mask(a, blocks), p.dropped()},
        how);
  };
  c.prepare = [=](const Arrays& a, How how) {
    if (p.empty > 0) call<&KernelTable::random_fill>(p.draw_blocks(a[extra]), how);
    if (backward) forward(a, kOutput, true, how);
  };
  c.kernel = [=](const Arrays& a, How how) { all(a, true, how); };
  const auto look_at = [&](std::size_t operand, auto reference) {
    c.outputs.push_back({operand, [=](const DeviceArrays& a) { return reference(p, a); }});
  };
  if (backward) {
    look_at(kResult, attention_dq);
    look_at(kKeys, [](const Heads& p, const DeviceArrays& a) { return attention_dkv(p, a, true); });
    look_at(kValues,
            [](const Heads& p, const DeviceArrays& a) { return attention_dkv(p, a, false); });
  } else {
    look_at(kResult, attention_y);
    if (p.empty == 0) look_at(kLse, attention_lse);  // else it may be -inf
  }
  if (p.empty > 0)
    c.rivals = {{[=] {
      return Baseline{1, [](int) { return std::string("lacuna, no blocks"); },
                      [=](int, const Arrays& a) {
                        all(a, false, How::run);
                        return true;
                      }};
    }}};
  else if (!p.queries && !p.padded && p.dropout == 0)
    c.rivals = {cudnn(p, backward)};
  return c;
}

}  // namespace

std::vector<Case> attention_cases(bool small) {
  std::vector<Heads> all{{{1, 2, 136, 64}},
                         {{1, 1, 136, 128, true}},
                         {{1, 2, 136, 32, true}},
                         {{2, 1, 136, 64, true, 40}},
                         {{1, 1, 200, 64}, 0.5},
                         {{3, 1, 136, 64}, 0, true},
                         {{2, 2, 136, 64, true}, 0, false, 0.1}};
  if (!small)
    all = {{{1, 16, 8192, 128}},
           {{1, 16, 8192, 128, true}},
           {{16, 12, 1024, 64}},
           {{16, 12, 1024, 64, true}},
           {{8, 12, 2048, 64, true}},
           {{4, 12, 4096, 64, true}},
           {{2, 12, 8192, 64, true}},
           {{16, 24, 1024, 32, true}},
           {{1, 16, 8192, 128, true, 1024}},
           {{1, 12, 8192, 64, true, 1024}},
           {{1, 12, 32768, 64, true, 1024}},
           {{1, 16, 8192, 128}, 0.5},
           {{1, 16, 8192, 128}, 0.9},
           {{64, 12, 512, 64}, 0, true},
           {{16, 12, 1024, 64, true}, 0, false, 0.1}};
  std::vector<Case> cases;
  for (const Heads& p : all)
    for (const bool backward : {false, true}) cases.push_back(attention(p, backward));
  // One token more: a query beside the keys of all tokens so far.
  std::vector<Heads> generating{{{2, 3, 300, 64}, 0, false, 0, 1},
                                {{3, 2, 300, 64}, 0, true, 0, 1}};
  if (!small)
    generating = {{{64, 12, 1024, 64}, 0, false, 0, 1},
                  {{64, 12, 1024, 64}, 0, true, 0, 1},
                  {{1, 12, 1024, 64}, 0, false, 0, 1},
                  {{16, 16, 8192, 128}, 0, false, 0, 1}};
  for (const Heads& p : generating) cases.push_back(attention(p, false));
  return cases;
}

}  // namespace lacuna::bench
