// InfoNCE on cpu.
//   tiles        up to 64 rows by 512 columns of scores, which stay in the second-level cache: the product, then the running
//                log-sum-exp, or the gradient in place and the product with the other side. db: the same with roles exchanged
//   numerics     max subtracted; exp in f32, a row's sum over tiles in f64; log sum exp is kept apart from the max until the end
//   determinism  tiles are independent and their sizes follow from the shapes: the same bits for any number of threads
//   f64          plain loops, the reference: info_nce_plain.cpp
#include "info_nce.h"

#include <math.h>  // the scalar target of Highway 1.0.3 wants ::isnan

#include <algorithm>
#include <cmath>
#include <limits>

#include "matmul.h"
#include "parallel.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/info_nce.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "rows-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::info_nce::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace cpu::HWY_NAMESPACE;

// Takes x * scale into a running maximum and sum of exp(x * scale - max).
HWY_NOINLINE void add_row(const float* x, size_t n, float scale, float* max, double* sum) {
  const D d;
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  V top = hn::Set(d, kLowest);
  each_vector(x, n, kLowest, [&](V v, size_t, size_t) HWY_ATTR { top = hn::Max(top, v); });
  const float here = hn::GetLane(hn::MaxOfLanes(d, top)) * scale;
  const float higher = here > *max ? here : *max;
  const float shift = higher == kLowest ? 0 : higher;  // all are left out: no -inf - (-inf)
  const V factor = hn::Set(d, scale), offset = hn::Set(d, shift);
  V total = hn::Zero(d);
  each_vector(x, n, kLowest, [&](V v, size_t, size_t) HWY_ATTR {
    total = hn::Add(total, exp_of(d, hn::MulSub(v, factor, offset)));
  });
  *sum = *sum * std::exp(static_cast<double>(*max) - shift) + sum_of(total);
  *max = higher;
}

// x = weight * exp(x * scale - lse): one lse and weight for the row
HWY_NOINLINE void gradient_of_row(float* x, size_t n, float scale, float lse, float weight) {
  const D d;
  const V factor = hn::Set(d, scale), offset = hn::Set(d, lse), w = hn::Set(d, weight);
  each_vector(x, n, 0, [&](V v, size_t j, size_t count) HWY_ATTR {
    put(d, hn::Mul(w, exp_of(d, hn::MulSub(v, factor, offset))), x + j, count);
  });
}

// The same with an lse and a weight for each element, which are columns of the scores.
HWY_NOINLINE void gradient_of_column(float* x, size_t n, float scale, const float* lse,
                                     const float* weight) {
  const D d;
  const V factor = hn::Set(d, scale);
  each_vector(x, n, 0, [&](V v, size_t j, size_t count) HWY_ATTR {
    const V p = exp_of(d, hn::MulSub(v, factor, get(d, lse + j, count)));
    put(d, hn::Mul(get(d, weight + j, count), p), x + j, count);
  });
}

// The sum of both.
HWY_NOINLINE void gradient_of_both(float* x, size_t n, float scale, float row_lse, float row_weight,
                                   const float* lse, const float* weight) {
  const D d;
  const V factor = hn::Set(d, scale), offset = hn::Set(d, row_lse), w = hn::Set(d, row_weight);
  each_vector(x, n, 0, [&](V v, size_t j, size_t count) HWY_ATTR {
    const V of_row = hn::Mul(w, exp_of(d, hn::MulSub(v, factor, offset)));
    const V p = exp_of(d, hn::MulSub(v, factor, get(d, lse + j, count)));
    put(d, hn::MulAdd(get(d, weight + j, count), p, of_row), x + j, count);
  });
}

}  // namespace lacuna::cpu::info_nce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace info_nce {
HWY_EXPORT(add_row);
HWY_EXPORT(gradient_of_row);
HWY_EXPORT(gradient_of_column);
HWY_EXPORT(gradient_of_both);
auto add_row_kernel() { return HWY_DYNAMIC_DISPATCH(add_row); }
auto row_kernel() { return HWY_DYNAMIC_DISPATCH(gradient_of_row); }
auto column_kernel() { return HWY_DYNAMIC_DISPATCH(gradient_of_column); }
auto both_kernel() { return HWY_DYNAMIC_DISPATCH(gradient_of_both); }
}  // namespace info_nce

namespace {

using std::int64_t;

constexpr int64_t kColumns = 512;  // of a tile of scores

// Rows of a tile: few where there are few, so that every thread has some.
int64_t rows_of_tile(int64_t rows) { return std::clamp<int64_t>(rows / 8, 16, 64); }

void check_positives(const InfoNceForward& a) {
  const int64_t columns = a.columns.dim(0);
  for (int64_t i = 0; i < a.rows.dim(0); i++) {
    const int64_t positive = a.positive.as<int64_t>()[i];
    LACUNA_CHECK(positive >= 0 && positive < columns && positive != own_column(a.self, i), a.op,
                 "a positive must be a column from 0 to ", columns - 1,
                 " other than the row's own: got ", positive, " in row ", i);
  }
}

// s (rows, columns), kColumns apart, = x y^T
void scores(const float* x, int64_t rows, const float* y, int64_t columns, int64_t depth,
            float* s) {
  Product<float> p;
  p.m = rows;
  p.n = columns;
  p.k = depth;
  p.a = x;
  p.a_row = depth;
  p.b = y;
  p.b_row = 1;
  p.b_column = depth;
  p.c = s;
  p.c_row = kColumns;
  multiply(1, p, [&](int64_t) { return p; });
}

void forward(const InfoNceForward& a) {
  const int64_t m = a.rows.dim(0), columns = a.columns.dim(0), depth = a.rows.dim(1);
  const auto *x = a.rows.as<float>(), *y = a.columns.as<float>();
  const auto* positives = a.positive.as<int64_t>();
  const auto scale = static_cast<float>(1 / a.temperature);
  const int64_t height = rows_of_tile(m);
  const auto add_row = info_nce::add_row_kernel();
  parallel_for((m + height - 1) / height, 1, [&](int64_t begin, int64_t end) {
    const Scratch<float> s(height * kColumns);
    float max[64], hit[64];
    double sum[64];
    for (int64_t tile = begin; tile < end; tile++) {
      const int64_t i0 = tile * height, rows = std::min(height, m - i0);
      std::fill_n(max, rows, -std::numeric_limits<float>::infinity());
      std::fill_n(sum, rows, 0.0);
      for (int64_t j0 = 0; j0 < columns; j0 += kColumns) {
        const int64_t n = std::min(kColumns, columns - j0);
        scores(x + i0 * depth, rows, y + j0 * depth, n, depth, s.data());
        for (int64_t r = 0; r < rows; r++) {
          float* const row = s.data() + r * kColumns;
          const int64_t positive = positives[i0 + r] - j0;
          const int64_t own = own_column(a.self, i0 + r) - j0;
          if (positive >= 0 && positive < n) hit[r] = row[positive] * scale;
          if (own >= 0 && own < n) row[own] = -std::numeric_limits<float>::infinity();
          add_row(row, n, scale, &max[r], &sum[r]);
        }
      }
      for (int64_t r = 0; r < rows; r++) {
        const double log_sum = std::log(sum[r]);
        a.lse.as<float>()[i0 + r] = static_cast<float>(max[r] + log_sum);
        a.loss.as<float>()[i0 + r] =
            static_cast<float>(log_sum - (static_cast<double>(hit[r]) - max[r]));
      }
    }
  });
}

void backward(const InfoNceBackward& a, InfoNceSide side) {
  const bool of_columns = side == InfoNceSide::columns;
  const Array &mine = of_columns ? a.columns : a.rows, &others = of_columns ? a.rows : a.columns;
  const int64_t lines = mine.dim(0), count = others.dim(0), depth = mine.dim(1);
  const int64_t m = a.rows.dim(0);
  const auto *x = mine.as<float>(), *y = others.as<float>(), *lse = a.lse.as<float>();
  float* const out = a.gradient(side).as<float>();
  const auto* positives = a.positive.as<int64_t>();
  const auto scale = static_cast<float>(1 / a.temperature);
  const Scratch<float> weight(m + 1);
  for (int64_t i = 0; i < m; i++)
    weight[i] = static_cast<float>(a.dloss.as<float>()[i] / a.temperature);
  if (count == 0) std::fill_n(out, lines * depth, 0.0f);
  if (depth == 0) return;
  const int64_t height = rows_of_tile(lines);
  const auto row_kernel = info_nce::row_kernel();
  const auto column_kernel = info_nce::column_kernel();
  const auto both_kernel = info_nce::both_kernel();
  parallel_for((lines + height - 1) / height, 1, [&](int64_t begin, int64_t end) {
    const Scratch<float> g(height * kColumns);
    for (int64_t tile = begin; tile < end; tile++) {
      const int64_t x0 = tile * height, rows = std::min(height, lines - x0);
      for (int64_t y0 = 0; y0 < count; y0 += kColumns) {
        const int64_t n = std::min(kColumns, count - y0);
        scores(x + x0 * depth, rows, y + y0 * depth, n, depth, g.data());
        for (int64_t r = 0; r < rows; r++) {
          float* const row = g.data() + r * kColumns;
          const int64_t i = x0 + r;
          if (side == InfoNceSide::rows)
            row_kernel(row, n, scale, lse[i], weight[i]);
          else if (side == InfoNceSide::columns)
            column_kernel(row, n, scale, lse + y0, weight.data() + y0);
          else
            both_kernel(row, n, scale, lse[i], weight[i], lse + y0, weight.data() + y0);
        }
        // Rows i of the scores, whose columns lie along y or (transposed) along x.
        const auto mend = [&](int64_t i0, int64_t i1, int64_t j0, int64_t j1, bool transposed) {
          for (int64_t i = i0; i < i1; i++) {
            const auto at = [&](int64_t j) -> float& {
              return transposed ? g[(j - j0) * kColumns + i - i0] : g[(i - i0) * kColumns + j - j0];
            };
            const int64_t positive = positives[i], own = own_column(a.self, i);
            if (positive >= j0 && positive < j1) at(positive) -= weight[i];
            if (own >= j0 && own < j1) at(own) = 0;
          }
        };
        if (side != InfoNceSide::columns) mend(x0, x0 + rows, y0, y0 + n, false);
        if (side != InfoNceSide::rows) mend(y0, y0 + n, x0, x0 + rows, true);
        Product<float> p;
        p.m = rows;
        p.n = depth;
        p.k = n;
        p.a = g.data();
        p.a_row = kColumns;
        p.b = y + y0 * depth;
        p.b_row = depth;
        p.c = out + x0 * depth;
        p.c_row = depth;
        p.residual = y0 > 0 ? p.c : nullptr;
        multiply(1, p, [&](int64_t) { return p; });
      }
    }
  });
}

}  // namespace

void info_nce_forward(const InfoNceForward& a, Stream) {
  check_positives(a);
  a.rows.dtype == Dtype::f64 ? info_nce_forward_plain(a) : forward(a);
}

void info_nce_backward(const InfoNceBackward& a, Stream) {
  for (InfoNceSide side : {InfoNceSide::rows, InfoNceSide::columns, InfoNceSide::both})
    if (a.gradient(side))
      a.rows.dtype == Dtype::f64 ? info_nce_backward_plain(a, side) : backward(a, side);
}

}  // namespace lacuna::cpu
#endif
