// Random fills, on cpu. Elements are independent; the words are drawn into L1.
#include "../random_fill.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/random_fill.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "draw-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::HWY_NAMESPACE {

// The words alone; what is made of them is cheap beside them, but for normals, whose cost is in f64 arithmetic anyway.
void draw_run(RandomKey key, const Run& run, std::uint32_t* words) { draw_words(key, run, words); }

}  // namespace lacuna::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {

HWY_EXPORT(draw_run);

namespace {

template <class T>
void make(const RandomFill& f, const std::uint32_t* words, T* y, std::int64_t n) {
  const T a = static_cast<T>(f.a), b = static_cast<T>(f.b);
  const T width = static_cast<T>(f.b - f.a);
  const BernoulliThreshold hit(f.a);
  switch (f.kind) {
    case Distribution::uniform:
      for (std::int64_t i = 0; i < n; i++) y[i] = a + width * static_cast<T>(uniform_of(words[i]));
      return;
    case Distribution::normal:
      for (std::int64_t i = 0; i < n; i++) y[i] = a + b * static_cast<T>(normal_of(words[i]));
      return;
    case Distribution::bernoulli:
      for (std::int64_t i = 0; i < n; i++) y[i] = static_cast<T>(hit(words[i]));
      return;
  }
}

}  // namespace

void random_fill(const RandomFill& f, Stream) {
  const std::int64_t rows = f.y.dim(0), n = rows ? f.y.size() / rows : 0;
  each_run(rows, n, f.ids, [&](const Run& run) {
    alignas(64) std::uint32_t words[kDraws];
    HWY_DYNAMIC_DISPATCH(draw_run)(f.key, run, words);
    switch (f.y.dtype) {
      case Dtype::f32:
        return make(f, words, f.y.as<float>() + run.at, run.count);
      case Dtype::f64:
        return make(f, words, f.y.as<double>() + run.at, run.count);
      default:  // bool or u8, both of one byte
        return make(f, words, f.y.as<std::uint8_t>() + run.at, run.count);
    }
  });
}

}  // namespace lacuna::cpu
#endif
