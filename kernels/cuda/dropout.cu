// Dropout
//   math         y = x / (1 - p) where word e of the row is below the threshold of 1 - p, else 0; backward is the same on dy
//   shapes       (rows, ...) contiguous, f32 or bf16
//   traffic      x read once, y written once; what is kept is drawn, not stored
//   launch       256 threads; a thread draws one Philox block for four elements, moved as one vector where rows are aligned
//   determinism  yes: elements are independent; the same elements as on cpu
//   checked by   tests/ops/dropout.cpp, tests/emu/random.cpp
//   measured     not measured
#include "../dropout.h"

#include <device/draw.cuh>
#include <device/launch.cuh>

namespace lacuna::LACUNA_NS {
namespace {

// y may be x.
template <class T>
__global__ void __launch_bounds__(kThreads)
    dropout_kernel(T* y, const T* x, Fours fours, bool aligned, RandomKey key,
                   BernoulliThreshold keep, float scale) {
  const std::int64_t i = thread_number();
  if (i >= fours.rows * fours.each) return;
  const Four four(fours, i);
  Vec<T, 4> v;
  load_four(v, x + four.at, four.left, aligned);
  const Philox4 words = four.words(key);
  LACUNA_UNROLL
  for (int k = 0; k < 4; k++)
    v.v[k] = T(keep(words.v[k]) ? static_cast<float>(v.v[k]) * scale : 0.0f);
  store_four(y + four.at, four.left, aligned, v);
}

template <class T>
void drop(const Dropout& a, Stream stream) {
  const Fours fours(a.x.size(), a.x.dim(0), a.ids);
  launch({.grid = ceil_div(fours.count(), kThreads),
          .block = kThreads,
          .stream = stream,
          .barriers = false},
         dropout_kernel<T>, a.y.as<T>(), a.x.as<T>(), fours,
         fours_aligned<T>(fours.n, {a.x.data, a.y.data}), a.key, BernoulliThreshold(1 - a.p),
         static_cast<float>(1 / (1 - a.p)));
}

}  // namespace

void dropout(const Dropout& a, Stream stream) {
  a.x.dtype == Dtype::bf16 ? drop<bf16>(a, stream) : drop<float>(a, stream);
}

}  // namespace lacuna::LACUNA_NS
