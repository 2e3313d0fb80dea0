// Losses over two arrays, on cpu, from kernels/pointwise_loss.def.
//   traffic      forward: a, b and the mask once; backward: the same, and each gradient written once
//   method       the functor over a block in L1 (the compiler makes vectors of it, once an instruction set), then the
//                block's sum in f64 lanes
//   determinism  pieces of fixed size, whose f64 sums are added in order
#include <algorithm>

#include "../pointwise_loss_functors.h"
#include "../strided.h"
#include "parallel.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/pointwise_loss.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

#ifndef LACUNA_POINTWISE_LOSS_ONCE
#define LACUNA_POINTWISE_LOSS_ONCE
namespace lacuna::cpu::pointwise_loss {
constexpr std::int64_t kBlock = 1024;  // elements: what a call of a kernel below takes at most
}
#endif

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::pointwise_loss::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE double sum_f64(const float* x, std::int64_t n) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> half;
  const std::int64_t lanes = hn::Lanes(d);
  auto even = hn::Zero(d), odd = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    even = hn::Add(even, hn::PromoteTo(d, hn::LoadU(half, x + i)));
    odd = hn::Add(odd, hn::PromoteTo(d, hn::LoadU(half, x + i + lanes)));
  }
  double total = hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
  for (; i < n; i++) total += x[i];
  return total;
}

// Weighted by the mask; what has weight 0 becomes 0, be it NaN.
HWY_INLINE void apply(const float* mask, float* f, std::int64_t n) {
  if (!mask || !f) return;
  for (std::int64_t i = 0; i < n; i++) f[i] = mask[i] != 0 ? mask[i] * f[i] : 0.0f;
}

template <class Loss>
HWY_NOINLINE double forward(const float* a, const float* b, const float* mask, std::int64_t n) {
  float f[kBlock];
  for (std::int64_t i = 0; i < n; i++) f[i] = Loss::template forward<float>(a[i], b[i]);
  apply(mask, f, n);
  return sum_f64(f, n);
}

template <class Loss>
HWY_NOINLINE void backward(float* da, float* db, const float* a, const float* b, float g,
                           const float* mask, std::int64_t n) {
  if (da && db) {
    for (std::int64_t i = 0; i < n; i++) {
      const float u = a[i], v = b[i];
      da[i] = g * Loss::template gradient_a<float>(u, v);
      db[i] = g * Loss::template gradient_b<float>(u, v);
    }
  } else if (da) {
    for (std::int64_t i = 0; i < n; i++) da[i] = g * Loss::template gradient_a<float>(a[i], b[i]);
  } else if (db) {
    for (std::int64_t i = 0; i < n; i++) db[i] = g * Loss::template gradient_b<float>(a[i], b[i]);
  }
  apply(mask, da, n);
  apply(mask, db, n);
}

double forward_f32(PointwiseLoss kind, const float* a, const float* b, const float* mask,
                   std::int64_t n) {
  double sum = 0;
  functor::dispatch(kind,
                    [&](auto loss) HWY_ATTR { sum = forward<decltype(loss)>(a, b, mask, n); });
  return sum;
}
void backward_f32(PointwiseLoss kind, float* da, float* db, const float* a, const float* b, float g,
                  const float* mask, std::int64_t n) {
  functor::dispatch(
      kind, [&](auto loss) HWY_ATTR { backward<decltype(loss)>(da, db, a, b, g, mask, n); });
}
double sum_f32(const float* x, std::int64_t n) { return sum_f64(x, n); }

}  // namespace lacuna::cpu::pointwise_loss::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace pointwise_loss {
HWY_EXPORT(forward_f32);
HWY_EXPORT(backward_f32);
HWY_EXPORT(sum_f32);
auto forward_kernel() { return HWY_DYNAMIC_DISPATCH(forward_f32); }
auto backward_kernel() { return HWY_DYNAMIC_DISPATCH(backward_f32); }
auto sum_kernel() { return HWY_DYNAMIC_DISPATCH(sum_f32); }

// The same in f64, plainly.
double forward_f64(PointwiseLoss kind, const double* a, const double* b, const double* mask,
                   std::int64_t n) {
  double sum = 0;
  functor::dispatch(kind, [&](auto loss) {
    for (std::int64_t i = 0; i < n; i++) {
      if (mask && mask[i] == 0) continue;
      sum += (mask ? mask[i] : 1) * decltype(loss)::template forward<double>(a[i], b[i]);
    }
  });
  return sum;
}
void backward_f64(PointwiseLoss kind, double* da, double* db, const double* a, const double* b,
                  double g, const double* mask, std::int64_t n) {
  functor::dispatch(kind, [&](auto loss) {
    for (std::int64_t i = 0; i < n; i++) {
      const double u = a[i], v = b[i], w = mask ? mask[i] : 1;
      if (da) da[i] = w == 0 ? 0 : w * g * decltype(loss)::template gradient_a<double>(u, v);
      if (db) db[i] = w == 0 ? 0 : w * g * decltype(loss)::template gradient_b<double>(u, v);
    }
  });
}
}  // namespace pointwise_loss

namespace {

constexpr std::int64_t kBlock = pointwise_loss::kBlock, kPiece = 16 * kBlock;

// Elements begin .. begin + count of the mask, in row-major order of the arrays' shape.
template <class T, class M>
void expand(const Walk<1>& walk, const M* mask, std::int64_t begin, std::int64_t count, T* out) {
  const std::int64_t step = walk.inner_strides[0];
  std::int64_t row = begin / walk.inner, j = begin % walk.inner;
  for (; count > 0; row++, j = 0) {
    std::int64_t at[1] = {row * walk.strides[0][0]};
    if (walk.ndim > 1) walk.offsets(row, at);
    const std::int64_t run = std::min(walk.inner - j, count);
    const M* const m = mask + at[0] + j * step;
    if (step == 0 && run == 3)  // a mask of pixels over colours
      out[0] = out[1] = out[2] = static_cast<T>(*m);
    else
      for (std::int64_t k = 0; k < run; k++) out[k] = static_cast<T>(m[k * step]);
    out += run;
    count -= run;
  }
}

// Calls body(begin, count, mask of these elements or null) for the blocks of a piece.
template <class T, class Body>
void each_block(const Array& mask, const Walk<1>& walk, std::int64_t begin, std::int64_t end,
                Body&& body) {
  T weights[kBlock];
  for (std::int64_t i = begin; i < end; i += kBlock) {
    const std::int64_t count = std::min(kBlock, end - i);
    if (mask)
      dispatch_all(mask.dtype, [&](auto zero) {
        using M = decltype(zero);
        if constexpr (!std::is_same_v<M, bf16>) expand(walk, mask.as<M>(), i, count, weights);
      });
    body(i, count, mask ? weights : nullptr);
  }
}

template <class T, class Kernel, class Sum>
void forward(const PointwiseLossForward& args, Kernel kernel, Sum sum) {
  const std::int64_t n = args.a.size(), pieces = (n + kPiece - 1) / kPiece;
  const Walk<1> walk({&args.mask});
  const Scratch<double> losses(pieces + 1), weights(pieces + 1);
  parallel_for(n, kPiece, [&](std::int64_t begin, std::int64_t end) {
    double loss = 0, weight = 0;
    each_block<T>(args.mask, walk, begin, end, [&](std::int64_t i, std::int64_t count, const T* m) {
      loss += kernel(args.kind, args.a.as<T>() + i, args.b.as<T>() + i, m, count);
      if (m) weight += sum(m, count);
    });
    losses[begin / kPiece] = loss;
    weights[begin / kPiece] = weight;
  });
  double loss = 0, weight = 0;
  for (std::int64_t p = 0; p < pieces; p++) {
    loss += losses[p];
    weight += weights[p];
  }
  const double scale = args.mask ? (weight == 0 ? 0 : 1 / weight) : args.scale;
  *args.y.as<T>() = static_cast<T>(loss * scale);
  if (args.mask) *args.weight.as<T>() = static_cast<T>(scale);
}

template <class T, class Kernel>
void backward(const PointwiseLossBackward& args, Kernel kernel) {
  const Walk<1> walk({&args.mask});
  const T g = static_cast<T>(*args.dy.as<T>() * (args.mask ? *args.weight.as<T>() : args.scale));
  parallel_for(args.a.size(), kPiece, [&](std::int64_t begin, std::int64_t end) {
    each_block<T>(args.mask, walk, begin, end, [&](std::int64_t i, std::int64_t count, const T* m) {
      kernel(args.kind, args.da ? args.da.as<T>() + i : nullptr,
             args.db ? args.db.as<T>() + i : nullptr, args.a.as<T>() + i, args.b.as<T>() + i, g, m,
             count);
    });
  });
}

}  // namespace

void pointwise_loss_forward(const PointwiseLossForward& args, Stream) {
  if (args.a.dtype == Dtype::f32)
    return forward<float>(args, pointwise_loss::forward_kernel(), pointwise_loss::sum_kernel());
  forward<double>(args, pointwise_loss::forward_f64, [](const double* m, std::int64_t n) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; i++) sum += m[i];
    return sum;
  });
}

void pointwise_loss_backward(const PointwiseLossBackward& args, Stream) {
  if (args.a.dtype == Dtype::f32) return backward<float>(args, pointwise_loss::backward_kernel());
  backward<double>(args, pointwise_loss::backward_f64);
}

}  // namespace lacuna::cpu
#endif
