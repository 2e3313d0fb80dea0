#pragma once
// Cross-entropy of softmax, from logits and integer targets, with label smoothing s (Szegedy et al. 2016):
//   loss of a row = -(1 - s) log p_t - s/C sum_j log p_j,   p = softmax(x);   y = mean over the rows that count
//   dx_j = dy / rows that count * (p_j - s/C - (1 - s) [j = t])
// A row whose target is ignore_index does not count. Where none does, y and dx are 0. A target that is no class is an
// Error that names the row on cpu; elsewhere y is NaN.
// Beside bf16 logits y, dy, stats and weight are f32, else of the logits' type.
#include "array.h"

namespace lacuna {

struct CrossEntropyForward {
  static constexpr const char* op = "cross_entropy";
  Array y;        // out, 0-d
  Array stats;    // out, (rows, 2): max_j x_j and log sum_j exp(x_j - max), for backward
  Array weight;   // out, 0-d: 1 / number of rows that count, or 0
  Array logits;   // (rows, C), contiguous
  Array targets;  // (rows) i64, contiguous: each in [0, C) or ignore_index
  std::int64_t ignore_index = -100;
  double label_smoothing = 0;
};

struct CrossEntropyBackward {
  static constexpr const char* op = "cross_entropy";
  Array dx;  // out; may be logits
  Array dy;  // 0-d
  Array stats, weight, logits, targets;
  std::int64_t ignore_index = -100;
  double label_smoothing = 0;
};

void validate(const CrossEntropyForward&);
void validate(const CrossEntropyBackward&);

}  // namespace lacuna
