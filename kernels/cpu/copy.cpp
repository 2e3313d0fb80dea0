// Strided copy, cast and fill, on cpu. Traffic: one read, one write. A contiguous copy of one dtype is memcpy.
#include "../copy.h"

#include <algorithm>
#include <cstring>

#include "../strided.h"
#include "parallel.h"

namespace lacuna::cpu {
namespace {

// f(row, first, count) for pieces of `rows` rows of n elements, on all threads: long rows are cut, so that one contiguous
// array still uses every thread.
template <class F>
void each_piece(std::int64_t rows, std::int64_t n, F&& f) {
  constexpr std::int64_t kPiece = 1 << 15;
  if (n == 0) return;
  const std::int64_t piece = std::min(n, kPiece), pieces = (n + piece - 1) / piece;
  parallel_for(rows * pieces, kPiece / piece, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i++) {
      const std::int64_t first = i % pieces * piece;
      f(i / pieces, first, std::min(piece, n - first));
    }
  });
}

template <class To, class From>
void copy_typed(const Copy& a) {
  const Walk<2> walk({&a.y, &a.x});
  const std::int64_t sy = walk.inner_strides[0], sx = walk.inner_strides[1];
  each_piece(walk.outer, walk.inner, [&](std::int64_t row, std::int64_t first, std::int64_t n) {
    std::int64_t at[2];
    walk.offsets(row, at);
    To* const y = a.y.as<To>() + at[0] + first * sy;
    const From* const x = a.x.as<From>() + at[1] + first * sx;
    if constexpr (std::is_same_v<To, From>) {
      if (sy == 1 && sx == 1) {
        std::memcpy(y, x, n * sizeof(To));
        return;
      }
    }
    if (sy == 1 && sx == 1) {
      for (std::int64_t j = 0; j < n; j++) y[j] = convert<To>(x[j]);
    } else {
      for (std::int64_t j = 0; j < n; j++) y[j * sy] = convert<To>(x[j * sx]);
    }
  });
}

}  // namespace

void copy(const Copy& a, Stream) {
  dispatch_all(a.y.dtype, [&](auto to) {
    dispatch_all(a.x.dtype, [&](auto from) { copy_typed<decltype(to), decltype(from)>(a); });
  });
}

void fill(const Fill& a, Stream) {
  dispatch_all(a.y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Walk<1> walk({&a.y});
    const T value = convert<T>(a.value);
    const std::int64_t step = walk.inner_strides[0];
    each_piece(walk.outer, walk.inner, [&](std::int64_t row, std::int64_t first, std::int64_t n) {
      std::int64_t at[1];
      walk.offsets(row, at);
      T* const y = a.y.as<T>() + at[0] + first * step;
      if (step == 1)
        std::fill_n(y, n, value);
      else
        for (std::int64_t j = 0; j < n; j++) y[j * step] = value;
    });
  });
}

}  // namespace lacuna::cpu
