// Random fills
//   math         element e of row r from word e % 4 of Philox block e / 4 of (sample, view) = ids[r]; kernels/random_fill.h
//   traffic      each element written once; ids from L1
//   launch       256 threads; a thread draws one block and makes four elements, in one store where rows are aligned
//   numerics     products and sums are rounded one by one, as on cpu: the same bits (normals: but for one in 2^28)
//   determinism  yes: elements are independent
//   checked by   tests/emu/random.cpp
//   measured     not measured
#include "../random_fill.h"

#include <device/draw.cuh>
#include <device/launch.cuh>

namespace lacuna::LACUNA_NS {
namespace {

template <class T>
__device__ inline T element(Distribution kind, std::uint32_t word, float a, float b,
                            const BernoulliThreshold& hit) {
  switch (kind) {
    case Distribution::uniform:
      return static_cast<T>(__fadd_rn(a, __fmul_rn(b, uniform_of(word))));
    case Distribution::normal:
      return static_cast<T>(__fadd_rn(a, __fmul_rn(b, normal_of(word))));
    case Distribution::bernoulli:
      return static_cast<T>(hit(word));
  }
  return T(0);
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    fill_kernel(T* y, Fours fours, bool aligned, Distribution kind, RandomKey key, float a, float b,
                BernoulliThreshold hit) {
  const std::int64_t i = thread_number();
  if (i >= fours.rows * fours.each) return;
  const Four four(fours, i);
  const Philox4 words = four.words(key);
  Vec<T, 4> out;
  LACUNA_UNROLL
  for (int k = 0; k < 4; k++) out.v[k] = element<T>(kind, words.v[k], a, b, hit);
  store_four(y + four.at, four.left, aligned, out);
}

template <class T>
void fill_rows(const RandomFill& f, Stream stream) {
  const Fours fours(f.y.size(), f.y.dim(0), f.ids);
  const auto b = static_cast<float>(f.kind == Distribution::uniform ? f.b - f.a : f.b);
  launch({.grid = ceil_div(fours.count(), kThreads),
          .block = kThreads,
          .stream = stream,
          .barriers = false},
         fill_kernel<T>, f.y.as<T>(), fours, fours_aligned<T>(fours.n, {f.y.data}), f.kind, f.key,
         static_cast<float>(f.a), b, BernoulliThreshold(f.a));
}

}  // namespace

void random_fill(const RandomFill& f, Stream stream) {
  f.y.dtype == Dtype::f32 ? fill_rows<float>(f, stream)
                          : fill_rows<std::uint8_t>(f, stream);  // u8 or bool
}

}  // namespace lacuna::LACUNA_NS
