// Gather and its transpose, on cpu.
//   traffic      one read of what is picked or added, one write; rows are whole where index repeats along inner
//   determinism  scatter_add cuts the columns into fixed pieces; within one, additions come in the order of the index
#include "../index.h"

#include <algorithm>
#include <cstring>

#include "parallel.h"

namespace lacuna::cpu {
namespace {

constexpr std::int64_t kColumns = 64;  // of one piece of scatter_add: four cache lines of f32

template <class T>
void gather_rows(const Gather& a) {
  const std::int64_t m = a.y.dim(1), n = a.x.dim(1), inner = a.y.dim(2);
  const std::int64_t* const s = a.index.strides;
  parallel_for(a.y.dim(0) * m, grain_for(0.2 * static_cast<double>(inner) + 5),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t r = begin; r < end; r++) {
                   const std::int64_t* index =
                       a.index.as<std::int64_t>() + r / m * s[0] + r % m * s[1];
                   const T* const x = a.x.as<T>() + r / m * n * inner;
                   T* const y = a.y.as<T>() + r * inner;
                   if (s[2] == 0 || inner == 1)
                     std::memcpy(y, x + *index * inner, inner * sizeof(T));
                   else
                     for (std::int64_t k = 0; k < inner; k++) y[k] = x[index[k * s[2]] * inner + k];
                 }
               });
}

template <class T>
void add_columns(const ScatterAdd& a) {
  const std::int64_t m = a.source.dim(1), n = a.y.dim(1), inner = a.y.dim(2);
  const std::int64_t pieces = (inner + kColumns - 1) / kColumns;
  const std::int64_t* const s = a.index.strides;
  const double work = static_cast<double>(m) * static_cast<double>(std::min(inner, kColumns));
  parallel_for(a.y.dim(0) * pieces, grain_for(0.3 * work + 1),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t r = begin; r < end; r++) {
                   const std::int64_t outer = r / pieces, first = r % pieces * kColumns,
                                      count = std::min(kColumns, inner - first);
                   T* const y = a.y.as<T>() + outer * n * inner + first;
                   for (std::int64_t i = 0; i < m; i++) {
                     const std::int64_t* index =
                         a.index.as<std::int64_t>() + outer * s[0] + i * s[1] + first * s[2];
                     const T* const from = a.source.as<T>() + (outer * m + i) * inner + first;
                     if (s[2] == 0) {
                       T* const to = y + *index * inner;
                       for (std::int64_t k = 0; k < count; k++) to[k] += from[k];
                     } else {
                       for (std::int64_t k = 0; k < count; k++)
                         y[index[k * s[2]] * inner + k] += from[k];
                     }
                   }
                 }
               });
}

}  // namespace

void gather(const Gather& a, Stream) {
  if (a.y.size() == 0) return;
  dispatch_all(a.y.dtype, [&](auto zero) { gather_rows<decltype(zero)>(a); });
}

void scatter_add(const ScatterAdd& a, Stream) {
  if (a.source.size() == 0) return;
  dispatch_float(a.y.dtype, [&](auto zero) { add_columns<decltype(zero)>(a); });
}

}  // namespace lacuna::cpu
