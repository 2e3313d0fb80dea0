// Sums over any dimensions, on cpu.
//   method       every sum is brought to the form (outer..., rows, columns) -> (outer..., columns), with the columns side by
//                side in memory. Few columns are widened: rows that follow each other in memory count as one row of more
//                columns, folded at the end (a sum of everything is 64 columns). Rows of up to 16,384 elements that stand
//                side by side are summed one by one
//   numerics     f32 lanes sum at most 32 rows, then go on in f64
//   determinism  rows are cut into segments by the shape alone, and the segments' sums are added in order
#include "../reduce.h"

#include <math.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "parallel.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/reduce.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "rows-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::reduce::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace cpu::HWY_NAMESPACE;

// acc[j] += sum over rows of x[row * stride + j], for N vectors of columns, the last of `count` lanes.
template <int N>
HWY_INLINE void add_columns(const float* x, std::int64_t rows, std::int64_t stride, size_t count,
                            double* acc) {
  constexpr std::int64_t kRows = 32;
  const D d;
  const size_t lanes = hn::Lanes(d);
  HWY_ALIGN float sums[N * hn::MaxLanes(d)];
  for (std::int64_t begin = 0; begin < rows; begin += kRows) {
    const std::int64_t end = std::min(begin + kRows, rows);
    if constexpr (N == 4) {
      V a = hn::Zero(d), b = a, c = a, e = a;
      for (std::int64_t r = begin; r < end; r++) {
        const float* const p = x + r * stride;
        a = hn::Add(a, hn::LoadU(d, p));
        b = hn::Add(b, hn::LoadU(d, p + lanes));
        c = hn::Add(c, hn::LoadU(d, p + 2 * lanes));
        e = hn::Add(e, hn::LoadU(d, p + 3 * lanes));
      }
      hn::Store(a, d, sums);
      hn::Store(b, d, sums + lanes);
      hn::Store(c, d, sums + 2 * lanes);
      hn::Store(e, d, sums + 3 * lanes);
    } else {
      V a = hn::Zero(d);
      for (std::int64_t r = begin; r < end; r++) a = hn::Add(a, get(d, x + r * stride, count));
      hn::Store(a, d, sums);
    }
    const size_t n = (N - 1) * lanes + count;
    for (size_t j = 0; j < n; j++) acc[j] += sums[j];
  }
}

void sum_columns(const float* x, std::int64_t rows, std::int64_t stride, std::int64_t columns,
                 double* acc) {
  const std::int64_t lanes = hn::Lanes(D());
  std::int64_t j = 0;
  for (; j + 4 * lanes <= columns; j += 4 * lanes)
    add_columns<4>(x + j, rows, stride, lanes, acc + j);
  for (; j < columns; j += lanes)
    add_columns<1>(x + j, rows, stride, std::min(lanes, columns - j), acc + j);
}

double sum_row(const float* x, std::int64_t n) {
  constexpr std::int64_t kVectors = 32;  // to a lane before it goes on in f64
  const D d;
  const std::int64_t lanes = hn::Lanes(d);
  double total = 0;
  std::int64_t i = 0;
  while (i + lanes <= n) {
    const std::int64_t end = std::min(n, i + 4 * kVectors * lanes);
    V a = hn::Zero(d), b = a, c = a, e = a;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      a = hn::Add(a, hn::LoadU(d, x + i));
      b = hn::Add(b, hn::LoadU(d, x + i + lanes));
      c = hn::Add(c, hn::LoadU(d, x + i + 2 * lanes));
      e = hn::Add(e, hn::LoadU(d, x + i + 3 * lanes));
    }
    for (; i + lanes <= end; i += lanes) a = hn::Add(a, hn::LoadU(d, x + i));
    total += sum_of(hn::Add(hn::Add(a, b), hn::Add(c, e)));
  }
  for (; i < n; i++) total += x[i];
  return total;
}

// The first largest element, or the first NaN.
std::int64_t first_largest(const float* x, std::int64_t n, bool smallest) {
  const D d;
  const float sign = smallest ? -1.0f : 1.0f;
  const float lowest = -sign * std::numeric_limits<float>::infinity();
  V top = hn::Set(d, -std::numeric_limits<float>::infinity());
  auto nan = hn::IsNaN(top);
  each_vector(x, n, lowest, [&](V v, size_t, size_t) HWY_ATTR {
    top = hn::Max(top, hn::Mul(v, hn::Set(d, sign)));
    nan = hn::Or(nan, hn::IsNaN(v));  // Ne(v, v) is ordered on some targets
  });
  const bool any_nan = !hn::AllFalse(d, nan);
  const float largest = sign * hn::GetLane(hn::MaxOfLanes(d, top));
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V v = hn::LoadU(d, x + i);
    const auto found =
        hn::FindFirstTrue(d, any_nan ? hn::IsNaN(v) : hn::Eq(v, hn::Set(d, largest)));
    if (found >= 0) return i + found;
  }
  while (any_nan ? x[i] == x[i] : x[i] != largest) i++;
  return i;
}

}  // namespace lacuna::cpu::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace reduce {
HWY_EXPORT(sum_columns);
HWY_EXPORT(sum_row);
HWY_EXPORT(first_largest);
auto columns_kernel() { return HWY_DYNAMIC_DISPATCH(sum_columns); }
auto row_kernel() { return HWY_DYNAMIC_DISPATCH(sum_row); }
auto largest_kernel() { return HWY_DYNAMIC_DISPATCH(first_largest); }

void sum_columns_f64(const double* x, std::int64_t rows, std::int64_t stride, std::int64_t columns,
                     double* acc) {
  for (std::int64_t r = 0; r < rows; r++)
    for (std::int64_t j = 0; j < columns; j++) acc[j] += x[r * stride + j];
}

double sum_row_f64(const double* x, std::int64_t n) {
  double total = 0;
  for (std::int64_t i = 0; i < n; i++) total += x[i];
  return total;
}

std::int64_t first_largest_f64(const double* x, std::int64_t n, bool smallest) {
  std::int64_t best = 0;
  for (std::int64_t i = 1; i < n && x[best] == x[best]; i++)
    if (x[i] != x[i] || (smallest ? x[i] < x[best] : x[i] > x[best])) best = i;
  return best;
}
}  // namespace reduce

namespace {

struct Dim {
  std::int64_t size, x, y;  // strides
  bool reduced;
};

// Offset into x (and y) of number i of the combinations of some dimensions, the last the fastest.
struct Offset {
  std::int64_t x = 0, y = 0;
};
Offset offset_of(const std::vector<Dim>& dims, std::int64_t i) {
  Offset o;
  for (std::size_t d = dims.size(); d-- > 0;) {
    const std::int64_t rest = d ? i / dims[d].size : 0;  // the first dimension takes what is left
    o.x += (i - rest * dims[d].size) * dims[d].x;
    o.y += (i - rest * dims[d].size) * dims[d].y;
    i = rest;
  }
  return o;
}
std::int64_t count(const std::vector<Dim>& dims) {
  std::int64_t n = 1;
  for (const Dim& d : dims) n *= d.size;
  return n;
}

constexpr std::int64_t kTile = 1024;        // columns that a task sums at a time: 8 KB of f64
constexpr std::int64_t kSegment = 1 << 14;  // elements that a task should have

// x as (kept..., reduced..., rows, columns).
struct Form {
  std::vector<Dim> kept, reduced;
  Dim rows{1, 0, 0, true}, columns{1, 1, 1, false};

  explicit Form(const Sum& a) {
    std::vector<Dim> dims;
    for (int d = 0; d < a.x.ndim; d++)
      if (a.x.shape[d] != 1)
        dims.push_back({a.x.shape[d], a.x.strides[d], a.y.strides[d], a.y.strides[d] == 0});
    // In the order of memory, whatever the order of the dimensions; repeated ones (stride 0) outermost.
    const auto place = [](const Dim& d) { return d.x == 0 ? INT64_MAX : d.x; };
    std::stable_sort(dims.begin(), dims.end(),
                     [&](const Dim& a, const Dim& b) { return place(a) > place(b); });
    std::vector<Dim> merged;
    for (const Dim& d : dims) {
      if (!merged.empty() && merged.back().reduced == d.reduced &&
          merged.back().x == d.x * d.size && merged.back().y == d.y * d.size)
        merged.back() = {merged.back().size * d.size, d.x, d.y, d.reduced};
      else
        merged.push_back(d);
    }
    if (!merged.empty() && !merged.back().reduced && merged.back().x == 1) {
      columns = merged.back();
      merged.pop_back();
    }
    for (auto d = merged.rbegin(); d != merged.rend(); ++d) {
      if (!d->reduced) continue;
      rows = *d;
      merged.erase(std::next(d).base());
      break;
    }
    for (const Dim& d : merged) (d.reduced ? reduced : kept).push_back(d);
  }
};

template <class T, class Kernel, class RowKernel>
void sum_as(const Sum& a, Kernel kernel, RowKernel row_kernel) {
  const Form form(a);
  const std::int64_t columns = form.columns.size, rows = form.rows.size, stride = form.rows.x;
  const T* const x = a.x.as<T>();
  T* const y = a.y.as<T>();
  if (columns == 1 && stride == 1 && rows <= kSegment && form.reduced.empty()) {  // row by row
    parallel_for(count(form.kept), grain_for(2 + 0.1 * static_cast<double>(rows)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; i++) {
                     const Offset at = offset_of(form.kept, i);
                     y[at.y] = static_cast<T>(row_kernel(x + at.x, rows));
                   }
                 });
    return;
  }
  // `wide` rows make one row of a multiple of 64 columns, where they stand side by side and few columns are enough.
  const std::int64_t widening = 64 / std::gcd(columns, std::int64_t{64});
  const std::int64_t wide =
      stride == columns && widening * columns <= kTile ? std::min(widening, rows) : 1;
  const std::int64_t tile = std::min(columns, kTile), tiles = (columns + tile - 1) / tile;
  // A unit is a run of rows; a task sums the same number of units each, for one tile of columns.
  const std::int64_t unit_rows = (kSegment / tile + wide) / wide * wide;
  const std::int64_t units_each = (rows + unit_rows - 1) / unit_rows;
  const std::int64_t units = units_each * count(form.reduced);
  const std::int64_t unit_size = std::min(unit_rows, rows) * tile;
  const std::int64_t group = std::max<std::int64_t>(1, kSegment / unit_size);
  const std::int64_t segments = (units + group - 1) / group;
  const std::int64_t tasks = count(form.kept) * tiles * segments;
  const Scratch<double> partial(segments > 1 ? tasks * tile : 1);

  const auto store = [&](std::int64_t output, const double* sums) {
    const std::int64_t from = output % tiles * tile, n = std::min(tile, columns - from);
    T* const out = y + offset_of(form.kept, output / tiles).y + from * form.columns.y;
    for (std::int64_t j = 0; j < n; j++) out[j * form.columns.y] = static_cast<T>(sums[j]);
  };

  const std::int64_t grain =
      kSegment / std::max<std::int64_t>(1, std::min(units, group) * unit_size);
  parallel_for(tasks, grain, [&](std::int64_t begin, std::int64_t end) {
    double sums[kTile];
    for (std::int64_t task = begin; task < end; task++) {
      const std::int64_t output = task / segments, segment = task % segments;
      const std::int64_t from = output % tiles * tile, n = std::min(tile, columns - from);
      const T* const first = x + offset_of(form.kept, output / tiles).x + from;
      std::fill_n(sums, n * wide, 0.0);
      for (std::int64_t u = segment * group; u < std::min(units, (segment + 1) * group); u++) {
        const std::int64_t row = u % units_each * unit_rows, here = std::min(unit_rows, rows - row);
        const T* const p = first + offset_of(form.reduced, u / units_each).x + row * stride;
        kernel(p, here / wide, wide * stride, n * wide, sums);
        if (const std::int64_t rest = here % wide)
          kernel(p + (here - rest) * stride, 1, 0, rest * n, sums);
      }
      for (std::int64_t w = 1; w < wide; w++)
        for (std::int64_t j = 0; j < n; j++) sums[j] += sums[w * n + j];
      if (segments == 1)
        store(output, sums);
      else
        std::copy_n(sums, n, partial.data() + task * tile);
    }
  });
  if (segments == 1) return;
  parallel_for(tasks / segments, grain_for(1.0 * static_cast<double>(segments * tile)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t output = begin; output < end; output++) {
                   double* const total = partial.data() + output * segments * tile;
                   const std::int64_t n = std::min(tile, columns - output % tiles * tile);
                   for (std::int64_t s = 1; s < segments; s++)
                     for (std::int64_t j = 0; j < n; j++) total[j] += total[s * tile + j];
                   store(output, total);
                 }
               });
}

}  // namespace

void sum(const Sum& a, Stream) {
  if (a.x.size() == 0) {
    // What is left of y where only summed dimensions are empty is zeros.
    std::vector<Dim> kept;
    for (int d = 0; d < a.x.ndim; d++)
      if (a.y.strides[d] != 0) kept.push_back({a.y.shape[d], 0, a.y.strides[d], false});
    for (std::int64_t i = 0, n = count(kept); i < n; i++)
      dispatch_float(a.y.dtype,
                     [&](auto zero) { a.y.as<decltype(zero)>()[offset_of(kept, i).y] = zero; });
    return;
  }
  if (a.x.dtype == Dtype::f32)
    sum_as<float>(a, reduce::columns_kernel(), reduce::row_kernel());
  else
    sum_as<double>(a, reduce::sum_columns_f64, reduce::sum_row_f64);
}

void argmax(const Argmax& a, Stream) {
  const std::int64_t rows = a.x.dim(0), n = a.x.dim(1);
  const auto kernel = reduce::largest_kernel();
  parallel_for(rows, grain_for(0.5 * static_cast<double>(n)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t r = begin; r < end; r++)
                   a.index.as<std::int64_t>()[r] =
                       a.x.dtype == Dtype::f32
                           ? kernel(a.x.as<float>() + r * n, n, a.smallest)
                           : reduce::first_largest_f64(a.x.as<double>() + r * n, n, a.smallest);
               });
}

}  // namespace lacuna::cpu
#endif
