#pragma once
// Steps whose rate is scaled for each tensor by a trust ratio: how long the tensor is beside what is to be taken off it.
//   g     gradient * grad_scale
//   LAMB  m, v as Adam's;  r = (m / bias1) / (sqrt(v) / sqrt(bias2) + eps) + weight_decay * p;
//         p -= lr * |p| / |r| * r                                               You et al. 2020, with phi(x) = x
//   LARS  g += weight_decay * p;  m = momentum * m + lr * eta * |p| / |g| * g;  p -= m       You, Gitman, Ginsburg 2017,
//         in the form of SimCLR's code: the ratio is of the gradient with its decay, and the buffer holds the rate
// The ratio (LARS: eta and the ratio) is 1 where a norm is 0 or the tensor does not adapt (OptimizerTensor::adapt). What is
// left out of decay and adaptation by custom: biases and the parameters of norms. Norms are summed in f64, in a fixed order.
#include <cmath>

#include "optimizer.h"

namespace lacuna {

struct LambStep {
  static constexpr const char* op = "lamb";
  const OptimizerTensor* tensors;
  std::int64_t count;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-6;
  double grad_scale = 1;
  Array scale = {};  // as SgdStep has it
  Array rates =
      {};  // (count, 3): layerwise_rates() of each tensor in place of the table's. May be absent
};

struct LarsStep {
  static constexpr const char* op = "lars";
  const OptimizerTensor* tensors;  // `first` is m
  std::int64_t count;
  double momentum = 0.9, eta = 0.001;
  double grad_scale = 1;
  Array scale = {};  // as SgdStep has it
  Array rates =
      {};  // (count, 3): layerwise_rates() of each tensor in place of the table's. May be absent
};

/// What of a tensor's step changes from one step to the next, as LAMB and LARS use it.
struct LayerwiseRates {
  double lr, bias1, root_bias2;
};
inline LayerwiseRates layerwise_rates(const OptimizerTensor& t) {
  return {t.lr, t.bias1, std::sqrt(t.bias2)};
}

void validate(const LambStep&);
void validate(const LarsStep&);

/// coefficient * |p| / |r| from the sums of their squares; 1 where one of them is not above 0.
LACUNA_HD inline double trust_ratio(double coefficient, double p_squares, double r_squares) {
  return p_squares > 0 && r_squares > 0 ? coefficient * std::sqrt(p_squares) / std::sqrt(r_squares)
                                        : 1;
}

}  // namespace lacuna
