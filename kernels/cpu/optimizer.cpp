// Optimizer steps, on cpu.
//   traffic      Adam 28 bytes a parameter: p, g, m, v read, p, m, v written, once
//   method       one parallel region over pieces of all tensors, so that eight small tensors cost what one does; vectors of the
//                machine's width, the tail by the same code in vectors of one
//   determinism  pieces depend on sizes only and write their own elements; sums are over pieces, in order
#include "../optimizer.h"

#include <math.h>  // the scalar target of Highway 1.0.3 wants ::isnan

#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>
#include <vector>

#include "optimizer_inputs.h"
#include "parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/optimizer.cpp"
// clang-format off
#include <hwy/foreach_target.h>  // first: includes this file once a target
#include <hwy/highway.h>
// clang-format on
#include "optimizer-inl.h"

#ifndef LACUNA_CPU_OPTIMIZER_RULES
#define LACUNA_CPU_OPTIMIZER_RULES
namespace lacuna::cpu::optimizer {
/// A piece of one tensor, with what does not change along it already in the type of the arithmetic.
template <class T>
struct Piece {
  T *param, *first, *second;
  const T* grad;
  std::int64_t size;
  T scale, decay, keep;         // g = grad * scale + decay * p;  p *= keep
  T lr, momentum;               // SGD
  T rate1, beta2, rate2, step;  // Adam: 1 - beta1, beta2, 1 - beta2, -lr / bias1
  T root_bias2, eps;
  bool nesterov;
};
}  // namespace lacuna::cpu::optimizer
#endif

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::optimizer::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using namespace cpu::HWY_NAMESPACE;

void sgd(const Piece<float>& a) {
  each_vector<float>(0, a.size, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto p = hn::LoadU(d, a.param + i);
    auto g = hn::Mul(hn::LoadU(d, a.grad + i), hn::Set(d, a.scale));
    g = hn::MulAdd(hn::Set(d, a.decay), p, g);
    if (a.first) {
      const auto m = hn::MulAdd(hn::Set(d, a.momentum), hn::LoadU(d, a.first + i), g);
      hn::StoreU(m, d, a.first + i);
      g = a.nesterov ? hn::MulAdd(hn::Set(d, a.momentum), m, g) : m;
    }
    hn::StoreU(hn::NegMulAdd(hn::Set(d, a.lr), g, p), d, a.param + i);
  });
}

void adam(const Piece<float>& a) {
  each_vector<float>(0, a.size, [&](auto d, std::int64_t i) HWY_ATTR {
    auto p = hn::LoadU(d, a.param + i);
    auto g = hn::Mul(hn::LoadU(d, a.grad + i), hn::Set(d, a.scale));
    g = hn::MulAdd(hn::Set(d, a.decay), p, g);
    p = hn::Mul(p, hn::Set(d, a.keep));
    auto m = hn::LoadU(d, a.first + i);
    m = hn::MulAdd(hn::Set(d, a.rate1), hn::Sub(g, m), m);
    const auto v = hn::MulAdd(hn::Mul(hn::Set(d, a.rate2), g), g,
                              hn::Mul(hn::LoadU(d, a.second + i), hn::Set(d, a.beta2)));
    const auto root = hn::Add(hn::Div(hn::Sqrt(v), hn::Set(d, a.root_bias2)), hn::Set(d, a.eps));
    hn::StoreU(m, d, a.first + i);
    hn::StoreU(v, d, a.second + i);
    hn::StoreU(hn::MulAdd(hn::Set(d, a.step), hn::Div(m, root), p), d, a.param + i);
  });
}

void lerp(const Piece<float>& a) {
  each_vector<float>(0, a.size, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto p = hn::LoadU(d, a.param + i);
    const auto to = hn::LoadU(d, a.grad + i);
    hn::StoreU(hn::MulAdd(hn::Set(d, a.rate1), hn::Sub(to, p), p), d, a.param + i);
  });
}

double sum_squares_f32(const float* v, std::int64_t n) { return sum_squares(v, n); }

}  // namespace lacuna::cpu::optimizer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace optimizer {
HWY_EXPORT(sgd);
HWY_EXPORT(adam);
HWY_EXPORT(lerp);
HWY_EXPORT(sum_squares_f32);
auto sgd_kernel() { return HWY_DYNAMIC_DISPATCH(sgd); }
auto adam_kernel() { return HWY_DYNAMIC_DISPATCH(adam); }
auto lerp_kernel() { return HWY_DYNAMIC_DISPATCH(lerp); }
auto sum_squares_kernel() { return HWY_DYNAMIC_DISPATCH(sum_squares_f32); }
}  // namespace optimizer

namespace {

using optimizer::Piece;

// f64: the same rules by plain loops, the reference.
void sgd_f64(const Piece<double>& a) {
  for (std::int64_t i = 0; i < a.size; i++) {
    double g = a.grad[i] * a.scale + a.decay * a.param[i];
    if (a.first) {
      a.first[i] = a.momentum * a.first[i] + g;
      g = a.nesterov ? g + a.momentum * a.first[i] : a.first[i];
    }
    a.param[i] -= a.lr * g;
  }
}

void adam_f64(const Piece<double>& a) {
  for (std::int64_t i = 0; i < a.size; i++) {
    const double g = a.grad[i] * a.scale + a.decay * a.param[i];
    double &m = a.first[i], &v = a.second[i];
    m += a.rate1 * (g - m);
    v = a.beta2 * v + a.rate2 * g * g;
    a.param[i] = a.param[i] * a.keep + a.step * (m / (std::sqrt(v) / a.root_bias2 + a.eps));
  }
}

void lerp_f64(const Piece<double>& a) {
  for (std::int64_t i = 0; i < a.size; i++) a.param[i] += a.rate1 * (a.grad[i] - a.param[i]);
}

// f32(Piece<float>) or f64(Piece<double>) for every piece; set(piece, tensor) fills in what the rule needs.
template <class Set>
void apply(const OptimizerTensor* tensors, std::int64_t count, void (*f32)(const Piece<float>&),
           void (*f64)(const Piece<double>&), Set set) {
  each_piece<Piece>(tensors, cut(tensors, count),
                    [&](std::int64_t, const OptimizerTensor& t, auto& piece) {
                      set(piece, t);
                      if constexpr (std::is_same_v<decltype(piece.scale), float>)
                        f32(piece);
                      else
                        f64(piece);
                    });
}

}  // namespace

void sgd_step(const SgdStep& a, Stream) {
  const StepInputs<SgdStep> in{a};
  if (in.stopped()) return;
  apply(a.tensors, a.count, optimizer::sgd_kernel(), sgd_f64,
        [&](auto& piece, const OptimizerTensor& t) {
          using T = std::decay_t<decltype(piece.scale)>;
          piece.scale = static_cast<T>(in.scale());
          piece.decay = static_cast<T>(t.weight_decay);
          piece.lr = static_cast<T>(in.rates(t, rates_of(t, false)).step);
          piece.momentum = static_cast<T>(a.momentum);
          piece.nesterov = a.nesterov;
        });
}

void adam_step(const AdamStep& a, Stream) {
  const StepInputs<AdamStep> in{a};
  if (in.stopped()) return;
  apply(a.tensors, a.count, optimizer::adam_kernel(), adam_f64,
        [&](auto& piece, const OptimizerTensor& t) {
          using T = std::decay_t<decltype(piece.scale)>;
          piece.scale = static_cast<T>(in.scale());
          piece.decay = static_cast<T>(a.decoupled ? 0 : t.weight_decay);
          const Rates rates = in.rates(t, rates_of(t, a.decoupled));
          piece.keep = static_cast<T>(rates.keep);
          piece.rate1 = static_cast<T>(1 - a.beta1);
          piece.beta2 = static_cast<T>(a.beta2);
          piece.rate2 = static_cast<T>(1 - a.beta2);
          piece.step = static_cast<T>(-rates.step);
          piece.root_bias2 = static_cast<T>(rates.root_bias2);
          piece.eps = static_cast<T>(a.eps);
        });
}

void lerp_step(const LerpStep& a, Stream) {
  apply(a.tensors, a.count, optimizer::lerp_kernel(), lerp_f64,
        [&](auto& piece, const OptimizerTensor&) {
          piece.rate1 = static_cast<std::decay_t<decltype(piece.rate1)>>(a.weight);
        });
}

void sum_squares(const SumSquares& a, Stream) {
  const auto places = cut(a.count, [&](std::int64_t i) { return a.arrays[i].size(); });
  std::vector<double> parts(places.size());
  const auto kernel = optimizer::sum_squares_kernel();
  parallel_for(static_cast<std::int64_t>(places.size()), 1,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; i++) {
                   const Array& x = a.arrays[places[i].tensor];
                   dispatch_float(x.dtype, [&](auto zero) {
                     const auto* v = x.as<decltype(zero)>() + places[i].begin;
                     if constexpr (std::is_same_v<decltype(zero), float>)
                       parts[i] = kernel(v, places[i].size);
                     else
                       parts[i] = std::inner_product(v, v + places[i].size, v, 0.0);
                   });
                 }
               });
  std::fill_n(a.sums.as<double>(), a.count, 0.0);
  for (std::size_t i = 0; i < places.size(); i++) a.sums.as<double>()[places[i].tensor] += parts[i];
}

void clip_scale(const ClipScale& a, Stream) {
  dispatch_float(a.scale.dtype, [&](auto zero) {
    using T = decltype(zero);
    double scale = 1, norm = 0;
    if (a.sums) {
      for (std::int64_t i = 0; i < a.sums.size(); i++) norm += a.sums.as<double>()[i];
      norm = std::sqrt(norm);
      scale = std::min(1.0, a.max_norm / (norm + 1e-6));
    }
    const bool finite = std::isfinite(norm) && std::isfinite(*a.loss.as<T>());
    *a.scale.as<T>() = static_cast<T>(finite ? scale : std::nan(""));
  });
}

}  // namespace lacuna::cpu
#endif
