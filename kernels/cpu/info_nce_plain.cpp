// InfoNCE in f64: what the other kernels are compared with.
#include <algorithm>
#include <cmath>
#include <limits>

#include "info_nce.h"
#include "parallel.h"
#include "scratch.h"

namespace lacuna::cpu {

using std::int64_t;

namespace {

template <class Args>
double score(const Args& a, int64_t i, int64_t j) {
  const int64_t depth = a.rows.dim(1);
  const double *x = a.rows.template as<double>() + i * depth,
               *y = a.columns.template as<double>() + j * depth;
  double sum = 0;
  for (int64_t k = 0; k < depth; k++) sum += x[k] * y[k];
  return sum / a.temperature;
}

}  // namespace

void info_nce_forward_plain(const InfoNceForward& a) {
  const int64_t m = a.rows.dim(0), columns = a.columns.dim(0), depth = a.rows.dim(1);
  const double nanoseconds = static_cast<double>(columns * (depth + 10));
  parallel_for(m, grain_for(nanoseconds), [&](int64_t begin, int64_t end) {
    const Scratch<double> s(columns);
    for (int64_t i = begin; i < end; i++) {
      double max = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int64_t j = 0; j < columns; j++) {
        s[j] = score(a, i, j);
        if (j != own_column(a.self, i)) max = std::max(max, s[j]);
      }
      for (int64_t j = 0; j < columns; j++)
        if (j != own_column(a.self, i)) sum += std::exp(s[j] - max);
      a.lse.as<double>()[i] = max + std::log(sum);
      a.loss.as<double>()[i] = std::log(sum) - (s[a.positive.as<int64_t>()[i]] - max);
    }
  });
}

void info_nce_backward_plain(const InfoNceBackward& a, InfoNceSide side) {
  const bool of_columns = side == InfoNceSide::columns;
  const Array &mine = of_columns ? a.columns : a.rows, &others = of_columns ? a.rows : a.columns;
  const int64_t count = others.dim(0), depth = mine.dim(1);
  const double nanoseconds = static_cast<double>(count * (2 * depth + 10));
  parallel_for(mine.dim(0), grain_for(nanoseconds), [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; line++) {
      double* const out = a.gradient(side).as<double>() + line * depth;
      std::fill_n(out, depth, 0.0);
      for (int64_t other = 0; other < count; other++) {
        const auto of_row = [&](int64_t i, int64_t j) {
          if (j == own_column(a.self, i)) return 0.0;
          const double p = std::exp(score(a, i, j) - a.lse.as<double>()[i]);
          return a.dloss.as<double>()[i] / a.temperature *
                 (p - (j == a.positive.as<int64_t>()[i] ? 1 : 0));
        };
        double g = 0;
        if (side != InfoNceSide::columns) g += of_row(line, other);
        if (side != InfoNceSide::rows) g += of_row(other, line);
        const double* const y = others.as<double>() + other * depth;
        for (int64_t k = 0; k < depth; k++) out[k] += g * y[k];
      }
    }
  });
}

}  // namespace lacuna::cpu
