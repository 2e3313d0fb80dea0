// Reductions, on cpu. Sums are in f64, in the order of memory: the number of threads does not change them.
#include "../reduce.h"

#include "../strided.h"
#include "parallel.h"

namespace lacuna::cpu {
namespace {

template <class T>
void sum(const Reduce& a) {
  // Kept dimensions index y; reduced ones are walked for each of its elements.
  Array kept_x = a.x, kept_y = a.y, reduced = a.x;
  for (int d = 0; d < a.x.ndim; d++) {
    if (a.y.strides[d] == 0)
      kept_x.shape[d] = kept_y.shape[d] = 1;
    else
      reduced.shape[d] = 1;
  }
  const Walk<2> outer({&kept_y, &kept_x});
  const Walk<1> inner({&reduced});
  const std::int64_t count = outer.outer * outer.inner;
  parallel_for(count, grain_for(0.5 * static_cast<double>(reduced.size())),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; i++) {
                   std::int64_t at[2];
                   outer.offsets(i / outer.inner, at);
                   const std::int64_t j = i % outer.inner;
                   const T* const x = a.x.as<T>() + at[1] + j * outer.inner_strides[1];
                   double total = 0;
                   for (std::int64_t row = 0; row < inner.outer; row++) {
                     std::int64_t from[1];
                     inner.offsets(row, from);
                     for (std::int64_t k = 0; k < inner.inner; k++)
                       total += x[from[0] + k * inner.inner_strides[0]];
                   }
                   a.y.as<T>()[at[0] + j * outer.inner_strides[0]] = static_cast<T>(total);
                 }
               });
}

}  // namespace

void reduce(const Reduce& a, Stream) {
  dispatch_float(a.x.dtype, [&](auto zero) { sum<decltype(zero)>(a); });
}

}  // namespace lacuna::cpu
