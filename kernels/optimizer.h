#pragma once
// One step of an optimizer over all parameters of a model in one call: each parameter is read and written once. f32 or f64;
// the arithmetic is that of PyTorch's torch.optim, in its order.
//   g      gradient * grad_scale (the clipping coefficient), plus weight_decay * p where decay is not decoupled
//   SGD    u = g without momentum; else m = momentum * m + g, u = m (Nesterov: u = g + momentum * m);  p -= lr * u
//   Adam   m += (1 - beta1) (g - m);  v = beta2 * v + (1 - beta2) g^2;  p -= lr / bias1 * m / (sqrt(v) / sqrt(bias2) + eps)
//          Kingma, Ba 2015. Decoupled (AdamW; Loshchilov, Hutter 2019): p *= 1 - lr * weight_decay first.
//   lerp   p += weight * (g - p), g unscaled: the exponential moving average of parameters
// The results depend neither on the number of threads nor on what else is in the same call.
// LAMB and LARS, whose rate differs from tensor to tensor: optimizer_layerwise.h.
#include "array.h"

namespace lacuna {

/// One parameter's part of a step. All arrays are contiguous and of one shape, dtype and device.
struct OptimizerTensor {
  Array param;          // in, out
  Array grad;           // lerp: the values to move towards
  Array first, second;  // in, out: m and v, where the rule has them
  double lr = 0, weight_decay = 0;
  double bias1 = 1, bias2 = 1;  // Adam: 1 - beta^t, or 1 for no correction
  bool adapt = true;            // LAMB, LARS: the trust ratio applies
};

struct SgdStep {
  static constexpr const char* op = "sgd";
  const OptimizerTensor* tensors;
  std::int64_t count;
  double momentum = 0;  // 0: `first` is absent
  bool nesterov = false;
  double grad_scale = 1;
};

struct AdamStep {
  static constexpr const char* op = "adam";
  const OptimizerTensor* tensors;
  std::int64_t count;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  bool decoupled = false;
  double grad_scale = 1;
};

struct LerpStep {
  static constexpr const char* op = "lerp";
  const OptimizerTensor* tensors;
  std::int64_t count;
  double weight;
};

/// sums[i] = sum of squares of arrays[i], in f64 and in a fixed order.
struct SumSquares {
  static constexpr const char* op = "sum_squares";
  const Array* arrays;  // contiguous, f32 or f64
  std::int64_t count;
  Array sums;  // out, (count) f64
};

/// Each tensor has its arrays, contiguous, of one shape, f32 (f64 on cpu), and all are on one device.
void check_optimizer_tensors(const char* op, const OptimizerTensor* tensors, std::int64_t count,
                             bool needs_first, bool needs_second);

void validate(const SgdStep&);
void validate(const AdamStep&);
void validate(const LerpStep&);
void validate(const SumSquares&);

}  // namespace lacuna
