#pragma once
// Initial values of parameters: each is a pure function of (seed, parameter's path, element), so that adding a layer to a
// network changes no other layer's values.
//   fan_in   inputs that one output sums over;  fan_out  outputs that one input reaches (kernel taps included in both)
#include <cmath>
#include <string_view>

#include "../core/tensor.h"

namespace lacuna {

struct Initializer {
  enum class Kind : std::uint8_t { constant, uniform, normal, truncated_normal };
  Kind kind = Kind::constant;
  double a = 0;  // the constant, the bound of U(-a, a), or the mean
  double b = 0;  // the standard deviation
};

namespace init {

inline Initializer constant(double value) { return {Initializer::Kind::constant, value, 0}; }
/// U(-bound, bound)
inline Initializer uniform(double bound) { return {Initializer::Kind::uniform, bound, 0}; }
inline Initializer normal(double mean, double std) {
  return {Initializer::Kind::normal, mean, std};
}
/// A normal cut off at two standard deviations on each side (BERT's, std 0.02). `std` is that of the normal before the cut.
inline Initializer truncated_normal(double std, double mean = 0) {
  return {Initializer::Kind::truncated_normal, mean, std};
}
/// U(-1/sqrt(fan_in), 1/sqrt(fan_in)): PyTorch's default for weights and biases of linear and convolution layers,
/// kaiming_uniform with a = sqrt(5). Zeros for a fan_in of 0.
inline Initializer fan_in_uniform(std::int64_t fan_in) {
  return uniform(fan_in > 0 ? 1 / std::sqrt(static_cast<double>(fan_in)) : 0);
}
/// He, Zhang, Ren, Sun 2015, for ReLU: N(0, 2 / fan). Pass fan_out to keep the variance of gradients (ResNet's choice).
inline Initializer kaiming_normal(std::int64_t fan) {
  return normal(0, std::sqrt(2.0 / static_cast<double>(fan)));
}
inline Initializer kaiming_uniform(std::int64_t fan) {
  return uniform(std::sqrt(6.0 / static_cast<double>(fan)));
}
/// Glorot, Bengio 2010.
inline Initializer xavier_uniform(std::int64_t fan_in, std::int64_t fan_out) {
  return uniform(std::sqrt(6.0 / static_cast<double>(fan_in + fan_out)));
}
inline Initializer xavier_normal(std::int64_t fan_in, std::int64_t fan_out) {
  return normal(0, std::sqrt(2.0 / static_cast<double>(fan_in + fan_out)));
}

}  // namespace init

/// Writes initial values into t (floating point, any device): element e takes word e of row 0 of the stream `path`.
void initialize(Tensor& t, const Initializer& initializer, std::uint64_t seed,
                std::string_view path);

}  // namespace lacuna
