#pragma once
// A convolution and the batch normalisation of its result, as residual networks have them:
//   y = activation(norm(conv(x)) + residual)
// Where the batch's moments count, the convolution takes them on its way, and one pass over its result does the rest. Where the
// running ones do, the norm is a factor and a shift of each channel: they go into the convolution's weight and bias, and all of
// it is one kernel.
#include "../../core/ops/elementwise.h"
#include "../../core/ops/shape.h"
#include "batch_norm.h"
#include "conv2d.h"

namespace lacuna {

/// x (n, h, w, in) to (n, h', w', out). The convolution has no bias; `residual`, where given, has y's shape; the activation is
/// relu or none.
inline Tensor conv_norm(Context& context, Conv2d& conv, BatchNorm& norm, const Tensor& x,
                        Epilogue activation = Epilogue::none, const Tensor& residual = {}) {
  const auto& o = conv.options();
  LACUNA_CHECK(
      !conv.bias.defined() && (activation == Epilogue::none || activation == Epilogue::relu),
      "conv_norm", "takes a convolution without bias, and relu or none");
  if (norm.of_batch(context)) {
    ChannelMoments moments;
    const Tensor y = conv.forward(context, x, moments);
    return norm.forward(context, y, moments, activation, residual);
  }
  Tensor factor = rsqrt(norm.running_var + norm.options().eps);
  if (norm.weight.defined()) factor = factor * norm.weight;
  Tensor shift = -(norm.running_mean * factor);
  if (norm.bias.defined()) shift = shift + norm.bias;
  return conv2d(x, conv.weight * reshape(factor, {o.out, 1, 1, 1}), shift,
                {.stride = o.stride,
                 .padding = o.padding,
                 .dilation = o.dilation,
                 .groups = o.groups,
                 .activation = activation},
                residual);
}

}  // namespace lacuna
