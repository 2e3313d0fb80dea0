// InfoNCE, forward and backward, a row's positive being the column after its own. No library has it: PyTorch's rows come from
// bench/torch_kernels.py.
#include "../../kernels/info_nce.h"

#include <algorithm>
#include <cmath>

#include "../../kernels/random.h"
#include "cases.h"

namespace lacuna::bench {
namespace {

enum Place : std::size_t { kResult, kLse, kRows, kColumns, kPositive, kLoss, kGradient, kDcolumns };

// Rows are not of length 1: the temperature makes up for it.
double temperature(std::int64_t depth) { return std::sqrt(static_cast<double>(depth)) / 3; }

// The result is the loss, or where `backward` drows (dcolumns is a sum over all rows, each of which would need its own).
Sampled reference(std::int64_t m, std::int64_t depth, const DeviceArrays& arrays, bool backward) {
  const DeviceArray &rows = *arrays[kRows], &columns = *arrays[kColumns];
  const RandomKey key = RandomKey::of(8, 8);
  Sampled out;
  for (std::uint64_t r = 0; r < 8; r++) {
    const std::int64_t i = below(draw_word(key, 2 * r, 0), static_cast<std::uint32_t>(m)),
                       c = below(draw_word(key, 2 * r + 1, 0), static_cast<std::uint32_t>(depth)),
                       positive = (i + 1) % m;
    std::vector<double> scores(static_cast<std::size_t>(m));
    double most = -INFINITY, total = 0, gradient = 0;
    for (std::int64_t j = 0; j < m; j++) {
      for (std::int64_t t = 0; t < depth; t++)
        scores[j] += rows.at(i * depth + t) * columns.at(j * depth + t);
      scores[j] /= temperature(depth);
      most = std::max(most, scores[j]);
    }
    for (const double s : scores) total += std::exp(s - most);
    const double lse = most + std::log(total);
    for (std::int64_t j = 0; j < m; j++)
      gradient += (std::exp(scores[j] - lse) - (j == positive)) * columns.at(j * depth + c);
    if (backward)
      out.emplace_back(i * depth + c, arrays[kLoss]->at(i) / temperature(depth) * gradient);
    else
      out.emplace_back(i, lse - scores[positive]);
  }
  return out;
}

Case info_nce(std::int64_t m, std::int64_t depth, bool backward) {
  Case c;
  c.name = std::string("info_nce ") + (backward ? "backward" : "forward") + " bf16 " +
           std::to_string(m) + "x" + std::to_string(m) + "x" + std::to_string(depth);
  c.op = backward ? "info_nce_backward" : "info_nce_forward";
  c.settings = {{"temperature", temperature(depth)}};
  c.dtype = Dtype::bf16;
  const double square = static_cast<double>(m) * static_cast<double>(m);
  // Backward: the scores once more, then a product for each side.
  c.flops = (backward ? 6 : 2) * square * static_cast<double>(depth);
  c.bytes = static_cast<double>(m) * (static_cast<double>(depth) * 2 * (backward ? 4 : 2) + 16);
  const Operand matrix{{m, depth}, Dtype::bf16}, column{{m}, Dtype::f32};
  c.operands = {column, column, matrix, matrix, {{m}, Dtype::i64, Values::successors}};
  c.result = kResult;
  const auto forward = [depth](const Arrays& a, std::size_t loss, How how) {
    call<&KernelTable::info_nce_forward>(
        InfoNceForward{a[loss], a[kLse], a[kRows], a[kColumns], a[kPositive], temperature(depth)},
        how);
  };
  if (backward) {
    // The result's place holds the loss of the forward pass; then come dloss and both gradients.
    c.operands.insert(c.operands.end(), {column, matrix, matrix});
    c.result = kGradient;
    c.prepare = [forward](const Arrays& a, How how) { forward(a, kResult, how); };
    c.kernel = [depth](const Arrays& a, How how) {
      InfoNceBackward args;
      args.drows = a[kGradient], args.dcolumns = a[kDcolumns];
      args.dloss = a[kLoss], args.lse = a[kLse];
      args.rows = a[kRows], args.columns = a[kColumns], args.positive = a[kPositive];
      args.temperature = temperature(depth);
      call<&KernelTable::info_nce_backward>(args, how);
    };
  } else {
    c.kernel = [forward](const Arrays& a, How how) { forward(a, kResult, how); };
  }
  c.reference = [m, depth, backward](const DeviceArrays& arrays) {
    return reference(m, depth, arrays, backward);
  };
  return c;
}

}  // namespace

std::vector<Case> info_nce_cases(bool small) {
  std::vector<Case> cases;
  for (const std::int64_t m :
       small ? std::vector<std::int64_t>{136} : std::vector<std::int64_t>{4096, 8192, 32768})
    for (const bool backward : {false, true}) cases.push_back(info_nce(m, 128, backward));
  return cases;
}

}  // namespace lacuna::bench
