#pragma once
// Convolutions as cuDNN graphs.
#include <cstdint>
#include <memory>

#include "../../kernels/dtype.h"
#include "cudnn_graph.h"

namespace lacuna::bench {

enum class ConvKind { forward, grad_input, grad_weight };

/// x (n, h, w, ci), weight (co, k, k, ci), y (n, oh, ow, co), channels last, square kernels.
struct ConvShape {
  std::int64_t n, h, w, ci, co, k, stride, padding;
  std::int64_t oh() const { return (h + 2 * padding - k) / stride + 1; }
  std::int64_t ow() const { return (w + 2 * padding - k) / stride + 1; }
  double flops() const { return 2.0 * n * oh() * ow() * co * k * k * ci; }
};

/// What follows a forward convolution in one graph: y = conv; max(0, conv + bias); max(0, conv + bias + residual).
enum class ConvTail { none, bias_relu, bias_residual_relu };

/// Plans of a convolution, bf16 or f32 (which may be rounded to tf32), f32 sums. run() takes x, weight and y; then what the tail
/// has: bias (co) and residual, like y, of the same type.
std::unique_ptr<CudnnGraph> cudnn_conv(ConvKind kind, const ConvShape& shape, Dtype dtype,
                                       ConvTail tail, const std::string& device_json);
/// y = max(0, x + bias) of images like y. run() takes x, bias and y.
std::unique_ptr<CudnnGraph> cudnn_bias_relu(const ConvShape& shape, Dtype dtype,
                                            const std::string& device_json);

}  // namespace lacuna::bench
