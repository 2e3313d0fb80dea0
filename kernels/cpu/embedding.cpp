// The gradient of an embedding, on cpu.
//   traffic      dy once, dweight written once
//   method       the places of each id are counted and listed (a counting sort, in order); then strips of rows and columns
//                are summed, each in registers, so that an id which comes very often is the work of several threads
//   determinism  a sum is over places in order
#include "../embedding.h"

#include <math.h>  // the scalar target of Highway 1.0.3 wants ::isnan

#include <algorithm>

#include "parallel.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/embedding.cpp"
// clang-format off
#include <hwy/foreach_target.h>  // first: includes this file once a target
#include <hwy/highway.h>
#include "rows-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::embedding::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace cpu::HWY_NAMESPACE;

// to[0 .. columns) = sum of the rows dy[places[i]], whose rows are `stride` apart.
void sum_rows_f32(float* to, const float* dy, std::int64_t stride, const std::int64_t* places,
                  std::int64_t count, std::int64_t columns) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t c = 0;
  for (; c + 4 * lanes <= columns; c += 4 * lanes) {
    V a0 = hn::Zero(d), a1 = a0, a2 = a0, a3 = a0;
    for (std::int64_t i = 0; i < count; i++) {
      const float* const from = dy + places[i] * stride + c;
      a0 = hn::Add(a0, hn::LoadU(d, from));
      a1 = hn::Add(a1, hn::LoadU(d, from + lanes));
      a2 = hn::Add(a2, hn::LoadU(d, from + 2 * lanes));
      a3 = hn::Add(a3, hn::LoadU(d, from + 3 * lanes));
    }
    hn::StoreU(a0, d, to + c);
    hn::StoreU(a1, d, to + c + lanes);
    hn::StoreU(a2, d, to + c + 2 * lanes);
    hn::StoreU(a3, d, to + c + 3 * lanes);
  }
  for (; c < columns; c += lanes) {
    const auto n = static_cast<size_t>(std::min(lanes, columns - c));
    V a = hn::Zero(d);
    for (std::int64_t i = 0; i < count; i++) a = hn::Add(a, get(d, dy + places[i] * stride + c, n));
    put(d, a, to + c, n);
  }
}

}  // namespace lacuna::cpu::embedding::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace embedding {
HWY_EXPORT(sum_rows_f32);
auto sum_rows_kernel() { return HWY_DYNAMIC_DISPATCH(sum_rows_f32); }

void sum_rows_f64(double* to, const double* dy, std::int64_t stride, const std::int64_t* places,
                  std::int64_t count, std::int64_t columns) {
  std::fill_n(to, columns, 0.0);
  for (std::int64_t i = 0; i < count; i++)
    for (std::int64_t c = 0; c < columns; c++) to[c] += dy[places[i] * stride + c];
}
}  // namespace embedding

namespace {

constexpr std::int64_t kRows = 16, kColumns = 256;  // of a strip

template <class T, class Kernel>
void backward(const EmbeddingBackward& a, Kernel sum_rows) {
  const std::int64_t n = a.dweight.dim(0), d = a.dweight.dim(1), m = a.ids.dim(0);
  const std::int64_t* const ids = a.ids.as<std::int64_t>();
  // Places of id r: places[first[r] .. first[r + 1]).
  const Scratch<std::int64_t> first(static_cast<std::size_t>(n + 2)),
      places(static_cast<std::size_t>(m));
  std::fill_n(first.data(), n + 2, 0);
  for (std::int64_t i = 0; i < m; i++)
    if (ids[i] != a.padding) first[ids[i] + 2]++;
  for (std::int64_t r = 2; r < n + 2; r++) first[r] += first[r - 1];
  for (std::int64_t i = 0; i < m; i++)
    if (ids[i] != a.padding) places[first[ids[i] + 1]++] = i;

  const std::int64_t across = (d + kColumns - 1) / kColumns, down = (n + kRows - 1) / kRows;
  const double bytes = static_cast<double>((n + m) * d) / static_cast<double>(across * down);
  parallel_for(across * down, grain_for(0.2 * bytes), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t strip = begin; strip < end; strip++) {
      const std::int64_t c = strip % across * kColumns, r0 = strip / across * kRows;
      for (std::int64_t r = r0; r < std::min(n, r0 + kRows); r++)
        sum_rows(a.dweight.as<T>() + r * d + c, a.dy.as<T>() + c, d, places.data() + first[r],
                 first[r + 1] - first[r], std::min(kColumns, d - c));
    }
  });
}

}  // namespace

void embedding_backward(const EmbeddingBackward& a, Stream) {
  if (a.dweight.size() == 0) return;
  if (a.dweight.dtype == Dtype::f32)
    backward<float>(a, embedding::sum_rows_kernel());
  else
    backward<double>(a, embedding::sum_rows_f64);
}

}  // namespace lacuna::cpu
#endif
