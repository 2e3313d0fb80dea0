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
//
// What changes from step to step can also be read from the device's memory (`scale`, `rates`): then nothing waits for a
// norm on its way to the host and back, and a captured step (core/graph.h) is replayed with the numbers of its turn.
#include <cmath>

#include "array.h"

namespace lacuna {

/// One parameter's part of a step. All arrays are contiguous and of one shape, device and (but for the shadow) dtype.
struct OptimizerTensor {
  Array param;          // in, out
  Array grad;           // lerp: the values to move towards
  Array first, second;  // in, out: m and v, where the rule has them
  double lr = 0, weight_decay = 0;
  double bias1 = 1, bias2 = 1;  // Adam: 1 - beta^t, or 1 for no correction
  bool adapt = true;            // LAMB, LARS: the trust ratio applies
  Array shadow = {};            // out, optional, on cuda and emu: param rounded to bf16
};

/// What of a tensor's step changes from one step to the next, as SGD and Adam use it:
/// p = p * keep - step * (SGD: u; Adam: m / (sqrt(v) / root_bias2 + eps)).
struct Rates {
  double step, keep, root_bias2;
};
inline Rates rates_of(const OptimizerTensor& t, bool decoupled) {
  return {t.lr / t.bias1, decoupled ? 1 - t.lr * t.weight_decay : 1, std::sqrt(t.bias2)};
}

struct SgdStep {
  static constexpr const char* op = "sgd";
  const OptimizerTensor* tensors;
  std::int64_t count;
  double momentum = 0;  // 0: `first` is absent
  bool nesterov = false;
  double grad_scale = 1;
  Array scale =
      {};  // (1): multiplies grad_scale; where it is NaN, nothing is changed. May be absent
  Array rates =
      {};  // (count, 3): Rates of each tensor in place of those that follow from the table. May be absent
};

struct AdamStep {
  static constexpr const char* op = "adam";
  const OptimizerTensor* tensors;
  std::int64_t count;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  bool decoupled = false;
  double grad_scale = 1;
  Array scale =
      {};  // (1): multiplies grad_scale; where it is NaN, nothing is changed. May be absent
  Array rates =
      {};  // (count, 3): Rates of each tensor in place of those that follow from the table. May be absent
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
/// `scale` has one element and `rates` three a tensor, where they are there.
void check_step_inputs(const char* op, const OptimizerTensor* tensors, std::int64_t count,
                       const Array& scale, const Array& rates);

/// scale = min(1, max_norm / (norm + 1e-6)), where norm is that of all gradients: Pascanu, Mikolov, Bengio 2013, as
/// torch.nn.utils.clip_grad_norm_ does it. NaN, which stops a step, where the norm or the loss is not finite.
struct ClipScale {
  static constexpr const char* op = "clip_scale";
  Array scale;          // out, (1) f32 (f64 on cpu)
  Array loss;           // one element of scale's dtype
  Array sums = {};      // (count) f64: sums of squares. Absent: scale is 1 where the loss is finite
  double max_norm = 0;  // above 0 where there are sums
};

void validate(const SgdStep&);
void validate(const AdamStep&);
void validate(const LerpStep&);
void validate(const SumSquares&);
void validate(const ClipScale&);

}  // namespace lacuna
