// LAMB and LARS, on cpu.
//   traffic      LAMB 40 bytes a parameter: p, g, m, v read, m, v written; p, m, v read, p written. LARS 28: p, g; p, g, m
//                read, p, m written
//   method       two parallel regions over pieces of all tensors: the first measures (and moves LAMB's moments on), the second
//                takes the step, for which LAMB computes its direction from the new moments again rather than store it
//   determinism  pieces depend on sizes only and write their own elements; a tensor's sums are over its pieces, in order
#include "../optimizer_layerwise.h"

#include <math.h>  // the scalar target of Highway 1.0.3 wants ::isnan

#include <algorithm>
#include <cmath>
#include <vector>

#include "optimizer_inputs.h"
#include "parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/optimizer_layerwise.cpp"
// clang-format off
#include <hwy/foreach_target.h>  // first: includes this file once a target
#include <hwy/highway.h>
// clang-format on
#include "optimizer-inl.h"

#ifndef LACUNA_CPU_OPTIMIZER_LAYERWISE
#define LACUNA_CPU_OPTIMIZER_LAYERWISE
namespace lacuna::cpu::layerwise {
/// A piece of one tensor, with what does not change along it in the type of the arithmetic.
template <class T>
struct Piece {
  T *param, *first, *second;
  const T* grad;
  std::int64_t size;
  T scale, decay;
  T rate1, beta2, rate2, bias1, root_bias2, eps;  // LAMB: 1 - beta1, beta2, 1 - beta2, ...
  T momentum;                                     // LARS
  T factor;                                       // lr times the trust ratio
};

/// Of a piece: sums of p^2 and of the square of what is to be taken off.
struct Squares {
  double param = 0, update = 0;
};

template <class T>
struct Rule {
  Squares (*measure)(const Piece<T>&);
  void (*apply)(const Piece<T>&);
};

struct Rules {
  Rule<float> lamb_f32, lars_f32;
  Rule<double> lamb_f64, lars_f64;
};
}  // namespace lacuna::cpu::layerwise
#endif

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::layerwise::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace cpu::HWY_NAMESPACE;

// update(vector type, i) gives what is taken off elements i...
template <class T, class F>
HWY_INLINE Squares measure(const Piece<T>& a, F&& update) {
  constexpr std::int64_t kBlock = 512;
  HWY_ALIGN T r[kBlock];
  Squares sums;
  for (std::int64_t begin = 0; begin < a.size; begin += kBlock) {
    const std::int64_t end = std::min(a.size, begin + kBlock);
    each_vector<T>(begin, end, [&](auto d, std::int64_t i) HWY_ATTR {
      hn::StoreU(update(d, i), d, r + (i - begin));
    });
    sums.param += sum_squares(a.param + begin, end - begin);
    sums.update += sum_squares(r, end - begin);
  }
  return sums;
}

template <class T, class D, class V>
HWY_INLINE V lamb_direction(const Piece<T>& a, D d, std::int64_t i, V m, V v) {
  const V root = hn::Add(hn::Div(hn::Sqrt(v), hn::Set(d, a.root_bias2)), hn::Set(d, a.eps));
  const V r = hn::Div(hn::Div(m, hn::Set(d, a.bias1)), root);
  return hn::MulAdd(hn::Set(d, a.decay), hn::LoadU(d, a.param + i), r);
}

template <class T>
Squares lamb_measure(const Piece<T>& a) {
  return measure(a, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto g = hn::Mul(hn::LoadU(d, a.grad + i), hn::Set(d, a.scale));
    auto m = hn::LoadU(d, a.first + i);
    m = hn::MulAdd(hn::Set(d, a.rate1), hn::Sub(g, m), m);
    const auto v = hn::MulAdd(hn::Mul(hn::Set(d, a.rate2), g), g,
                              hn::Mul(hn::LoadU(d, a.second + i), hn::Set(d, a.beta2)));
    hn::StoreU(m, d, a.first + i);
    hn::StoreU(v, d, a.second + i);
    return lamb_direction(a, d, i, m, v);
  });
}

template <class T>
void lamb_apply(const Piece<T>& a) {
  each_vector<T>(0, a.size, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto r = lamb_direction(a, d, i, hn::LoadU(d, a.first + i), hn::LoadU(d, a.second + i));
    hn::StoreU(hn::NegMulAdd(hn::Set(d, a.factor), r, hn::LoadU(d, a.param + i)), d, a.param + i);
  });
}

template <class T, class D>
HWY_INLINE auto lars_direction(const Piece<T>& a, D d, std::int64_t i) {
  const auto g = hn::Mul(hn::LoadU(d, a.grad + i), hn::Set(d, a.scale));
  return hn::MulAdd(hn::Set(d, a.decay), hn::LoadU(d, a.param + i), g);
}

template <class T>
Squares lars_measure(const Piece<T>& a) {
  return measure(a, [&](auto d, std::int64_t i) HWY_ATTR { return lars_direction(a, d, i); });
}

template <class T>
void lars_apply(const Piece<T>& a) {
  each_vector<T>(0, a.size, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto step = hn::Mul(hn::Set(d, a.factor), lars_direction(a, d, i));
    const auto m = hn::MulAdd(hn::Set(d, a.momentum), hn::LoadU(d, a.first + i), step);
    hn::StoreU(m, d, a.first + i);
    hn::StoreU(hn::Sub(hn::LoadU(d, a.param + i), m), d, a.param + i);
  });
}

Rules rules() {
  return {{lamb_measure<float>, lamb_apply<float>},
          {lars_measure<float>, lars_apply<float>},
          {lamb_measure<double>, lamb_apply<double>},
          {lars_measure<double>, lars_apply<double>}};
}

}  // namespace lacuna::cpu::layerwise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace layerwise {
HWY_EXPORT(rules);
static const Rules& best_rules() {
  static const Rules rules = HWY_DYNAMIC_DISPATCH(rules)();
  return rules;
}
}  // namespace layerwise

namespace {

using layerwise::Piece;
using layerwise::Rule;
using layerwise::Squares;

// set(piece, tensor, rates) fills in what the rule needs, the factor aside.
template <class Step, class Set>
void step(const Step& a, double coefficient, const Rule<float>& f32, const Rule<double>& f64,
          Set set) {
  const StepInputs<Step> in{a};
  if (in.stopped()) return;
  const auto places = cut(a.tensors, a.count);
  const auto each = [&](auto f) {
    each_piece<Piece>(a.tensors, places,
                      [&](std::int64_t i, const OptimizerTensor& t, auto& piece) {
                        using T = std::decay_t<decltype(piece.scale)>;
                        piece.scale = static_cast<T>(in.scale());
                        piece.decay = static_cast<T>(t.weight_decay);
                        set(piece, in.rates(t, layerwise_rates(t)));
                        if constexpr (std::is_same_v<T, float>)
                          f(i, piece, f32);
                        else
                          f(i, piece, f64);
                      });
  };
  std::vector<Squares> parts(places.size()), sums(static_cast<std::size_t>(a.count));
  each(
      [&](std::int64_t i, const auto& piece, const auto& rule) { parts[i] = rule.measure(piece); });
  for (std::size_t i = 0; i < places.size(); i++) {
    sums[places[i].tensor].param += parts[i].param;
    sums[places[i].tensor].update += parts[i].update;
  }
  each([&](std::int64_t i, auto& piece, const auto& rule) {
    const OptimizerTensor& t = a.tensors[places[i].tensor];
    const Squares& s = sums[places[i].tensor];
    const double trust = t.adapt ? trust_ratio(coefficient, s.param, s.update) : 1;
    piece.factor = static_cast<decltype(piece.factor)>(in.rates(t, layerwise_rates(t)).lr * trust);
    rule.apply(piece);
  });
}

}  // namespace

void lamb_step(const LambStep& a, Stream) {
  const auto& rules = layerwise::best_rules();
  step(a, 1, rules.lamb_f32, rules.lamb_f64, [&](auto& piece, const LayerwiseRates& rates) {
    using T = std::decay_t<decltype(piece.scale)>;
    piece.rate1 = static_cast<T>(1 - a.beta1);
    piece.beta2 = static_cast<T>(a.beta2);
    piece.rate2 = static_cast<T>(1 - a.beta2);
    piece.bias1 = static_cast<T>(rates.bias1);
    piece.root_bias2 = static_cast<T>(rates.root_bias2);
    piece.eps = static_cast<T>(a.eps);
  });
}

void lars_step(const LarsStep& a, Stream) {
  const auto& rules = layerwise::best_rules();
  step(a, a.eta, rules.lars_f32, rules.lars_f64, [&](auto& piece, const LayerwiseRates&) {
    using T = std::decay_t<decltype(piece.scale)>;
    piece.momentum = static_cast<T>(a.momentum);
  });
}

}  // namespace lacuna::cpu
#endif
