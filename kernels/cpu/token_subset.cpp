// Tokens taken out and put back, on cpu.
//   traffic      every token that is written is read once; backward reads dy once
//   numerics     the fill's gradient is summed in f64
//   determinism  the fill's gradient is summed over chunks of rows that the shape decides, in order
#include "../token_subset.h"

#include <algorithm>
#include <cstring>

#include "parallel.h"
#include "scratch.h"

namespace lacuna::cpu {
namespace {

template <class T>
void take(const TakeTokens& a) {
  const std::int64_t m = a.y.dim(1), s = a.x.dim(1), d = a.y.dim(2);
  const T *const fill = a.fill.as<T>(), *const position = a.position.as<T>();
  const double ns = 0.3 * static_cast<double>(d) + 5;
  parallel_for(a.y.dim(0) * m, grain_for(ns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; r++) {
      const std::int64_t from = a.index.as<std::int64_t>()[r];
      const bool found = from >= 0 && from < s;
      const T* const x = found ? a.x.as<T>() + (r / m * s + from) * d : fill;
      T* const y = a.y.as<T>() + r * d;
      if (x)
        std::memcpy(y, x, d * sizeof(T));
      else
        std::fill_n(y, d, T(0));
      if (!position || (a.of_source && !found)) continue;
      const T* const add = position + (a.of_source ? from : r % m) * d;
      for (std::int64_t k = 0; k < d; k++) y[k] += add[k];
    }
  });
}

template <class T>
void restore_backward(const RestoreTokensBackward& a) {
  const std::int64_t m = a.dy.dim(1), d = a.dy.dim(2), rows = a.dy.dim(0) * m;
  const std::int64_t k = a.dx ? a.dx.dim(1) : 0;
  if (d == 0) return;
  // Chunks of at least 64 rows, at most 64 of them: each has a sum of its own.
  const std::int64_t chunk = std::max<std::int64_t>(64, (rows + 63) / 64);
  const std::int64_t chunks = (rows + chunk - 1) / chunk;
  const Scratch<double> sums(a.dfill ? chunks * d : 0);
  parallel_for(rows, chunk, [&](std::int64_t begin, std::int64_t end) {
    double* const sum = a.dfill ? sums.data() + begin / chunk * d : nullptr;
    if (sum) std::fill_n(sum, d, 0.0);
    for (std::int64_t r = begin; r < end; r++) {
      const T* const dy = a.dy.as<T>() + r * d;
      const std::int64_t place = a.places.as<std::int64_t>()[r];
      if (place >= 0 && place < k)
        std::memcpy(a.dx.as<T>() + (r / m * k + place) * d, dy, d * sizeof(T));
      else if (place < 0 && sum)
        for (std::int64_t j = 0; j < d; j++) sum[j] += dy[j];
    }
  });
  if (!a.dfill) return;
  for (std::int64_t j = 0; j < d; j++) {
    double total = 0;
    for (std::int64_t c = 0; c < chunks; c++) total += sums[c * d + j];
    a.dfill.as<T>()[j] = static_cast<T>(total);
  }
}

}  // namespace

void take_tokens(const TakeTokens& a, Stream) {
  if (a.y.size() == 0) return;
  dispatch_float(a.y.dtype, [&](auto zero) { take<decltype(zero)>(a); });
}

void restore_tokens_backward(const RestoreTokensBackward& a, Stream) {
  dispatch_float(a.dy.dtype, [&](auto zero) { restore_backward<decltype(zero)>(a); });
}

}  // namespace lacuna::cpu
