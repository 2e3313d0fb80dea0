#pragma once
// What optimizers' steps read, and the pieces in which threads take their tensors; see kernels/optimizer.h.
#include <algorithm>
#include <cmath>
#include <vector>

#include "../optimizer.h"
#include "parallel.h"

namespace lacuna::cpu {

template <class Step>
struct StepInputs {
  const Step& step;

  double scale() const {
    return step.scale ? step.grad_scale * number(step.scale, 0) : step.grad_scale;
  }
  bool stopped() const { return std::isnan(scale()); }
  /// The three rates of a tensor of step.tensors: those that were given, or else `own`.
  template <class Rates>
  Rates rates(const OptimizerTensor& t, const Rates& own) const {
    if (!step.rates) return own;
    const std::int64_t row = 3 * (&t - step.tensors);
    return {number(step.rates, row), number(step.rates, row + 1), number(step.rates, row + 2)};
  }

 private:
  static double number(const Array& a, std::int64_t i) {
    return a.dtype == Dtype::f32 ? a.as<float>()[i] : a.as<double>()[i];
  }
};

/// Elements [begin, begin + size) of a tensor.
struct Place {
  std::int64_t tensor, begin, size;
};

template <class SizeOf>
std::vector<Place> cut(std::int64_t count, SizeOf size_of_tensor) {
  constexpr std::int64_t kPiece = 1 << 14;  // elements
  std::vector<Place> places;
  for (std::int64_t t = 0; t < count; t++) {
    const std::int64_t n = size_of_tensor(t);
    for (std::int64_t i = 0; i < n; i += kPiece) places.push_back({t, i, std::min(kPiece, n - i)});
  }
  return places;
}
inline std::vector<Place> cut(const OptimizerTensor* tensors, std::int64_t count) {
  return cut(count, [&](std::int64_t t) { return tensors[t].param.size(); });
}

/// f(i, tensor, piece) for every place i, in parallel: a Piece<float> or Piece<double>, whose arrays and size are set.
template <template <class> class Piece, class F>
void each_piece(const OptimizerTensor* tensors, const std::vector<Place>& places, F&& f) {
  parallel_for(static_cast<std::int64_t>(places.size()), 1,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; i++) {
                   const Place& place = places[i];
                   const OptimizerTensor& t = tensors[place.tensor];
                   dispatch_float(t.param.dtype, [&](auto zero) {
                     const auto from = [&](const Array& a) {
                       return a ? a.as<decltype(zero)>() + place.begin : nullptr;
                     };
                     Piece<decltype(zero)> piece{};
                     piece.param = from(t.param);
                     piece.grad = from(t.grad);
                     piece.first = from(t.first);
                     piece.second = from(t.second);
                     piece.size = place.size;
                     f(i, t, piece);
                   });
                 }
               });
}

}  // namespace lacuna::cpu
