// A vocabulary's kernels: cross-entropy over its logits, and its table of vectors.
#include <cmath>

#include "../../kernels/cross_entropy.h"
#include "../../kernels/embedding.h"
#include "../../kernels/index.h"
#include "cases.h"

namespace lacuna::bench {
namespace {

enum Place : std::size_t { kResult, kStats, kWeight, kLogits, kTargets, kLoss, kDy };

/// Of a row: the largest logit, and log sum exp(x - it).
std::pair<double, double> statistics(const DeviceArray& logits, std::int64_t row,
                                     std::int64_t classes) {
  double most = -INFINITY, total = 0;
  for (std::int64_t j = 0; j < classes; j++) most = std::fmax(most, logits.at(row * classes + j));
  for (std::int64_t j = 0; j < classes; j++) total += std::exp(logits.at(row * classes + j) - most);
  return {most, std::log(total)};
}

// The result is stats, since each of its rows is of one row of logits; or the gradient of the logits.
Case cross_entropy(std::int64_t rows, std::int64_t classes, bool backward) {
  const double moved = 2.0 * static_cast<double>(rows * classes);
  const Operand logits{{rows, classes}, Dtype::bf16}, number{{}, Dtype::f32, Values::magnitudes};
  const auto forward = [](const Arrays& a, How how) {
    call<&KernelTable::cross_entropy_forward>(
        CrossEntropyForward{a[kLoss], a[kStats], a[kWeight], a[kLogits], a[kTargets]}, how);
  };
  const auto back = [](const Arrays& a, How how) {
    call<&KernelTable::cross_entropy_backward>(
        CrossEntropyBackward{a[kResult], a[kDy], a[kStats], a[kWeight], a[kLogits], a[kTargets]},
        how);
  };
  Case c = moves(
      std::string("cross_entropy ") + (backward ? "backward " : "forward ") + std::to_string(rows) +
          "x" + std::to_string(classes),
      Dtype::bf16, (backward ? 2 : 1) * moved,
      {backward ? logits : Operand{{1}, Dtype::f32},
       {{rows, 2}, Dtype::f32},
       number,
       logits,
       {{rows}, Dtype::i64, Values::below, classes},
       number,
       number},
      [=](const Arrays& a, How how) { backward ? back(a, how) : forward(a, how); },
      [=](const DeviceArrays& a) {
        Sampled out;
        for (const std::int64_t e : places(rows * classes, 8)) {
          const std::int64_t row = e / classes,
                             target = static_cast<std::int64_t>(a[kTargets]->at(row));
          const auto [most, log] = statistics(*a[kLogits], row, classes);
          if (!backward) {
            out.emplace_back(2 * row, most);
            out.emplace_back(2 * row + 1, log);
            continue;
          }
          const double scale = a[kDy]->at(0) / static_cast<double>(rows);
          const auto gradient = [&](std::int64_t j) {
            return scale *
                   (std::exp(a[kLogits]->at(row * classes + j) - most - log) - (j == target));
          };
          out.emplace_back(e, gradient(e % classes));
          out.emplace_back(row * classes + target, gradient(target));
        }
        return out;
      });
  c.op = backward ? "cross_entropy_backward" : "cross_entropy_forward";
  if (backward) {
    c.prepare = forward;
    return c;
  }
  c.outputs[0].operand = kStats;
  c.outputs.push_back({kWeight, [rows](const DeviceArrays&) {
                         return Sampled{{0, 1 / static_cast<double>(rows)}};
                       }});
  // The loss is over all logits: too much to be summed here of more than a few.
  if (rows * classes <= 1 << 22)
    c.outputs.push_back({kLoss, [=](const DeviceArrays& a) {
                           double sum = 0;
                           for (std::int64_t i = 0; i < rows; i++) {
                             const auto [most, log] = statistics(*a[kLogits], i, classes);
                             const auto target = static_cast<std::int64_t>(a[kTargets]->at(i));
                             sum += most + log - a[kLogits]->at(i * classes + target);
                           }
                           return Sampled{{0, sum / static_cast<double>(rows)}};
                         }});
  return c;
}

Array one_a_row(Array ids, std::int64_t d) {
  ids.ndim = 3;
  const std::int64_t m = ids.shape[0];
  ids.shape[0] = 1, ids.shape[1] = m, ids.shape[2] = d;
  ids.strides[0] = m, ids.strides[1] = 1, ids.strides[2] = 0;
  return ids;
}
Array with_outer(const Array& a) {
  Array b = a;
  b.ndim = 3;
  b.shape[0] = 1, b.shape[1] = a.shape[0], b.shape[2] = a.shape[1];
  b.strides[0] = a.shape[0] * a.shape[1], b.strides[1] = a.shape[1], b.strides[2] = 1;
  return b;
}

// y (m, d) = table[ids], or the table's gradient from y's. Floor: the rows that are there, once each.
Case embedding(std::int64_t m, std::int64_t n, std::int64_t d, bool backward) {
  const Operand table{{n, d}, Dtype::f32}, y{{m, d}, Dtype::f32},
      ids{{m}, Dtype::i64, Values::below, n};
  const double touched = backward ? static_cast<double>(n) : static_cast<double>(std::min(m, n));
  Case c = moves(
      std::string("embedding ") + (backward ? "backward " : "forward ") + std::to_string(m) +
          " of " + std::to_string(n) + "x" + std::to_string(d),
      Dtype::f32, 4.0 * static_cast<double>(d) * (static_cast<double>(m) + touched) + 8.0 * m,
      backward ? std::vector<Operand>{table, y, ids} : std::vector<Operand>{y, table, ids},
      [=](const Arrays& a, How how) {
        if (backward)
          call<&KernelTable::embedding_backward>(EmbeddingBackward{a[0], a[1], a[2]}, how);
        else
          call<&KernelTable::gather>(Gather{with_outer(a[0]), with_outer(a[1]), one_a_row(a[2], d)},
                                     how);
      },
      [=](const DeviceArrays& a) {
        Sampled out;
        for (const std::int64_t e : places(m * d, 16)) {
          const std::int64_t column = e % d, id = static_cast<std::int64_t>(a[2]->at(e / d));
          if (!backward) {
            out.emplace_back(e, a[1]->at(id * d + column));
            continue;
          }
          double sum = 0;
          for (std::int64_t i = 0; i < m; i++)
            if (static_cast<std::int64_t>(a[2]->at(i)) == id) sum += a[1]->at(i * d + column);
          out.emplace_back(id * d + column, sum);
        }
        return out;
      });
  c.op = backward ? "embedding_backward" : "embedding_forward";
  return c;
}

}  // namespace

std::vector<Case> table_cases(bool small) {
  std::vector<Case> cases;
  for (const bool backward : {false, true}) {
    for (const std::int64_t rows :
         small ? std::vector<std::int64_t>{16} : std::vector<std::int64_t>{8192, 65536})
      cases.push_back(cross_entropy(rows, small ? 1000 : 50304, backward));
    cases.push_back(small ? embedding(200, 50, 40, backward)
                          : embedding(65536, 50304, 768, backward));
  }
  return cases;
}

}  // namespace lacuna::bench
