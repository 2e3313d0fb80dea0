// Strided copy, cast and fill, on cpu. Traffic: one read, one write. A contiguous copy of one dtype is memcpy.
#include "../copy.h"

#include <algorithm>
#include <cstring>

#include "../strided.h"
#include "parallel.h"

namespace lacuna::cpu {
namespace {

template <class To, class From>
void copy_typed(const Copy& a) {
  const Walk<2> walk({&a.y, &a.x});
  const std::int64_t sy = walk.inner_strides[0], sx = walk.inner_strides[1], n = walk.inner;
  To* const y = a.y.as<To>();
  const From* const x = a.x.as<From>();
  // Long rows are cut, so that one contiguous copy still uses every thread.
  const std::int64_t piece = std::min<std::int64_t>(n, 1 << 15),
                     pieces = n ? (n + piece - 1) / piece : 0;
  parallel_for(walk.outer * pieces,
               std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(1, piece)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; i++) {
                   std::int64_t at[2];
                   walk.offsets(i / pieces, at);
                   const std::int64_t from = i % pieces * piece, count = std::min(piece, n - from);
                   To* const to = y + at[0] + from * sy;
                   const From* const src = x + at[1] + from * sx;
                   if constexpr (std::is_same_v<To, From>) {
                     if (sy == 1 && sx == 1) {
                       std::memcpy(to, src, count * sizeof(To));
                       continue;
                     }
                   }
                   if (sy == 1 && sx == 1) {
                     for (std::int64_t j = 0; j < count; j++) to[j] = convert<To>(src[j]);
                   } else {
                     for (std::int64_t j = 0; j < count; j++) to[j * sy] = convert<To>(src[j * sx]);
                   }
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
    T* const y = a.y.as<T>();
    for (std::int64_t row = 0; row < walk.outer; row++) {
      std::int64_t at[1];
      walk.offsets(row, at);
      for (std::int64_t j = 0; j < walk.inner; j++) y[at[0] + j * walk.inner_strides[0]] = value;
    }
  });
}

}  // namespace lacuna::cpu
