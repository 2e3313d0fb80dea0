#pragma once
// Winograd's F(4x4, 3x3) and, for the gradient of the weights, F(3x3, 4x4), with the points 0, +-sqrt(1/2), +-sqrt(2) and
// infinity, which round a third as much as 0, +-1, +-2. Both transform the image alike: V = B^T d B of 6x6 pixels d.
//   forward, grad_input   y (4x4) = A^T [ (G g G^T) . V ] A     g: 3x3 of the weights; for the input's gradient turned round
//   grad_weight           dg (3x3) = A^T [ (G d G^T) . V ] A    d: 4x4 of dy, with the A and G of that size
// The products, over channels or tiles, are 36 matrix products.
#include <cstdint>

#include "../epilogue.h"
#include "conv2d.h"

namespace lacuna::cpu {

/// Of each channel, 36 numbers at to[k * step + channel], k = row * 6 + column; `channels` are a whole number of vectors. Pointers
/// are those of the first channel.
struct WinogradTransforms {
  void (*image)(const float* const* pixels, std::int64_t channels, float* to,
                std::int64_t step);  // 6x6 pixels
  void (*weight)(const float* const* taps, std::int64_t channels, float* to,
                 std::int64_t step);  // 3x3 taps
  void (*gradient)(const float* const* pixels, std::int64_t channels, float* to,
                   std::int64_t step);  // 4x4 pixels of dy
  /// y[4x4] = relu?(A^T m A + bias + residual); bias and residual may be null.
  void (*result)(const float* m, std::int64_t step, std::int64_t channels, const float* bias,
                 const float* const* residual, bool relu, float* const* y);
  void (*weight_gradient)(const float* m, std::int64_t step, std::int64_t channels,
                          float* const* taps);
};
const WinogradTransforms& winograd_transforms();

/// Whether these sizes gain by it, in any of the three; its epilogues are none and relu.
bool winograd_pays(const ConvSizes&, Epilogue = Epilogue::none);
void winograd_forward(const ConvSizes&, const float* x, const float* weight, ConvEnd<float>,
                      float* y);
void winograd_grad_input(const ConvSizes&, const float* dy, const float* weight, ConvEnd<float>,
                         float* dx);
void winograd_grad_weight(const ConvSizes&, const float* dy, const float* x, float* dweight);

}  // namespace lacuna::cpu
