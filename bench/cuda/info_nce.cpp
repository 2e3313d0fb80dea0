// InfoNCE, forward and backward: two sets, a row's positive being the column after its own; and one set that is both (NT-Xent),
// whose positives are the other views. No library has it: PyTorch's rows come from bench/torch_kernels.py.
#include "../../kernels/info_nce.h"

#include <cmath>

#include "cases.h"

namespace lacuna::bench {
namespace {

enum Place : std::size_t {
  kLoss,
  kLse,
  kRows,
  kPositive,
  kDloss,
  kDrows,  // of one set: its gradient
  kColumns,
  kDcolumns
};

struct Problem {
  std::int64_t m, depth;
  bool one_set = false;

  std::int64_t self() const { return one_set ? 0 : -1; }
  std::size_t columns() const { return one_set ? kRows : kColumns; }
  // Rows are not of length 1: the temperature makes up for it.
  double temperature() const { return std::sqrt(static_cast<double>(depth)) / 3; }
  /// -inf where row i does not see column j.
  double score(const DeviceArrays& a, std::int64_t i, std::int64_t j) const {
    if (one_set && i == j) return -INFINITY;
    double sum = 0;
    for (std::int64_t t = 0; t < depth; t++)
      sum += a[kRows]->at(i * depth + t) * a[columns()]->at(j * depth + t);
    return sum / temperature();
  }
  /// A row's scores, and the log of the sum of their exp.
  std::pair<std::vector<double>, double> row(const DeviceArrays& a, std::int64_t i) const {
    std::vector<double> scores;
    double most = -INFINITY, total = 0;
    for (std::int64_t j = 0; j < m; j++) {
      scores.push_back(score(a, i, j));
      most = std::fmax(most, scores.back());
    }
    for (const double s : scores) total += std::exp(s - most);
    return {scores, most + std::log(total)};
  }
};

std::int64_t positive_of(const DeviceArrays& a, std::int64_t i) {
  return static_cast<std::int64_t>(a[kPositive]->at(i));
}

Sampled losses(const Problem& p, const DeviceArrays& a, bool lse_alone) {
  Sampled out;
  for (const std::int64_t i : places(p.m, 4)) {
    const auto [scores, lse] = p.row(a, i);
    out.emplace_back(i, lse - (lse_alone ? 0 : scores[positive_of(a, i)]));
  }
  return out;
}

// Element (i, c) of g y, whose row of g is made from its scores.
double of_row(const Problem& p, const DeviceArrays& a, std::int64_t i, std::int64_t c) {
  const auto [scores, lse] = p.row(a, i);
  double sum = 0;
  for (std::int64_t j = 0; j < p.m; j++)
    sum += (std::exp(scores[j] - lse) - (j == positive_of(a, i))) *
           a[p.columns()]->at(j * p.depth + c);
  return a[kDloss]->at(i) / p.temperature() * sum;
}
// Element (j, c) of g^T x: over all rows, so that their log sums are those that the kernel is given (the forward case looks at
// them).
double of_column(const Problem& p, const DeviceArrays& a, const std::vector<double>& lse,
                 std::int64_t j, std::int64_t c) {
  double sum = 0;
  for (std::int64_t i = 0; i < p.m; i++)
    sum += a[kDloss]->at(i) / p.temperature() *
           (std::exp(p.score(a, i, j) - lse[i]) - (j == positive_of(a, i))) *
           a[kRows]->at(i * p.depth + c);
  return sum;
}

Sampled gradients(const Problem& p, const DeviceArrays& a, bool rows, bool columns) {
  const auto lse = columns ? a[kLse]->fetch(0, p.m) : std::vector<double>();
  Sampled out;
  for (const std::int64_t e : places(p.m * p.depth, 6)) {
    const std::int64_t i = e / p.depth, c = e % p.depth;
    out.emplace_back(e,
                     (rows ? of_row(p, a, i, c) : 0) + (columns ? of_column(p, a, lse, i, c) : 0));
  }
  return out;
}

Case info_nce(const Problem& p, bool backward) {
  Case c;
  c.name = std::string(p.one_set ? "nt_xent " : "info_nce ") + (backward ? "backward" : "forward") +
           " bf16 " + std::to_string(p.m) + "x" + std::to_string(p.m) + "x" +
           std::to_string(p.depth);
  c.op = std::string(p.one_set ? "nt_xent_" : "info_nce_") + (backward ? "backward" : "forward");
  c.settings = {{"temperature", p.temperature()}};
  c.dtype = Dtype::bf16;
  const double product = 2 * static_cast<double>(p.m) * static_cast<double>(p.m * p.depth);
  // The scores, of which one set's are symmetric; backward once more, and a product for each side, or one with g + g^T.
  const double scores = p.one_set ? product / 2 : product;
  c.flops = backward ? scores + (p.one_set ? 1 : 2) * product : scores;
  const double matrices = (backward ? 2 : 1) * (p.one_set ? 1 : 2);
  c.bytes = static_cast<double>(p.m) * (static_cast<double>(p.depth) * 2 * matrices + 16);
  const Operand matrix{{p.m, p.depth}, Dtype::bf16}, column{{p.m}, Dtype::f32};
  c.operands = {column, column,
                matrix, {{p.m}, Dtype::i64, p.one_set ? Values::partners : Values::successors},
                column, matrix};
  if (!p.one_set) c.operands.insert(c.operands.end(), {matrix, matrix});
  const auto forward = [p](const Arrays& a, How how) {
    call<&KernelTable::info_nce_forward>(InfoNceForward{a[kLoss], a[kLse], a[kRows], a[p.columns()],
                                                        a[kPositive], p.temperature(), p.self()},
                                         how);
  };
  if (!backward) {
    c.kernel = forward;
    c.outputs = {{kLoss, [p](const DeviceArrays& a) { return losses(p, a, false); }},
                 {kLse, [p](const DeviceArrays& a) { return losses(p, a, true); }}};
    return c;
  }
  c.prepare = forward;
  c.kernel = [p](const Arrays& a, How how) {
    InfoNceBackward args;
    if (p.one_set)
      args.dboth = a[kDrows];
    else
      args.drows = a[kDrows], args.dcolumns = a[kDcolumns];
    args.dloss = a[kDloss], args.lse = a[kLse];
    args.rows = a[kRows], args.columns = a[p.columns()], args.positive = a[kPositive];
    args.temperature = p.temperature(), args.self = p.self();
    call<&KernelTable::info_nce_backward>(args, how);
  };
  c.outputs = {{kDrows, [p](const DeviceArrays& a) { return gradients(p, a, true, p.one_set); }}};
  if (!p.one_set)
    c.outputs.push_back(
        {kDcolumns, [p](const DeviceArrays& a) { return gradients(p, a, false, true); }});
  return c;
}

}  // namespace

std::vector<Case> info_nce_cases(bool small) {
  std::vector<Problem> all{{136, 128}, {136, 128, true}};
  if (!small)
    all = {{4096, 128},       {8192, 128},       {32768, 128},      {1024, 128, true},
           {2048, 128, true}, {8192, 128, true}, {32768, 128, true}};
  std::vector<Case> cases;
  for (const Problem& p : all)
    for (const bool backward : {false, true}) cases.push_back(info_nce(p, backward));
  return cases;
}

}  // namespace lacuna::bench
