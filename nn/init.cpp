#include "init.h"

#include "../core/ops/shape.h"
#include "../core/tape.h"
#include "../kernels/random.h"

namespace lacuna {
namespace {

constexpr double kBelowMinusTwo = 0.022750131948179207;  // P(N(0,1) < -2)

float value_of(const Initializer& i, std::uint32_t word) {
  switch (i.kind) {
    case Initializer::Kind::constant:
      break;
    case Initializer::Kind::
        uniform:  // the middle of each of 2^24 steps: symmetric, the bounds excluded
      return static_cast<float>(i.a * (((word >> 8) + 0.5) * 0x1p-23 - 1));
    case Initializer::Kind::normal:
      return static_cast<float>(i.a + i.b * inverse_normal((word + 0.5) * 0x1p-32));
    case Initializer::Kind::truncated_normal: {
      const double p = kBelowMinusTwo + (1 - 2 * kBelowMinusTwo) * ((word + 0.5) * 0x1p-32);
      return static_cast<float>(i.a + i.b * inverse_normal(p));
    }
  }
  return static_cast<float>(i.a);
}

}  // namespace

void initialize(Tensor& t, const Initializer& initializer, std::uint64_t seed,
                std::string_view path) {
  LACUNA_CHECK(t.defined() && is_floating(t.dtype()), "initialize",
               "needs a floating-point tensor: got ", describe("tensor", t));
  NoGrad guard;
  if (initializer.kind == Initializer::Kind::constant) return t.fill(initializer.a);
  const RandomKey key = RandomKey::of(seed, stream_of(path));
  Tensor values = Tensor::empty(t.shape());
  float* const v = values.data<float>();
  const std::int64_t n = values.numel();
  for (std::int64_t block = 0; block * 4 < n; block++) {
    const Philox4 words = draw(key, block, 0);
    for (std::int64_t k = 0; k < 4 && block * 4 + k < n; k++)
      v[block * 4 + k] = value_of(initializer, words.v[k]);
  }
  t.copy_from(values);
}

}  // namespace lacuna
