// Convolution on cpu: the table's entries.
#include "../conv2d.h"

#include "../batch_norm.h"
#include "conv2d.h"

namespace lacuna::cpu {

void batch_norm_moments(const BatchNormMoments& a, Stream stream);  // batch_norm.cpp

namespace {

ConvSizes sizes(const Array& x, const Array& weight, const Array& y, const Window2d& window,
                std::int64_t groups) {
  return {x.dim(0), x.dim(1),      x.dim(2),      x.dim(3), y.dim(1), y.dim(2),
          y.dim(3), weight.dim(1), weight.dim(2), groups,   window};
}

}  // namespace

void conv2d_forward(const Conv2dForward& a, Stream stream) {
  dispatch_float(a.x.dtype, [&](auto zero) {
    using T = decltype(zero);
    conv_forward(sizes(a.x, a.weight, a.y, a.window, a.groups), a.x.as<T>(), a.weight.as<T>(),
                 ConvEnd<T>{a.bias.as<T>(), a.epilogue, a.residual.as<T>()}, a.y.as<T>());
  });
  if (a.mean) batch_norm_moments({a.mean, a.centred, a.y}, stream);
}

void conv2d_grad_input(const Conv2dGradInput& a, Stream) {
  dispatch_float(a.dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    conv_grad_input(sizes(a.dx, a.weight, a.dy, a.window, a.groups), a.dy.as<T>(), a.weight.as<T>(),
                    ConvEnd<T>{}, a.dx.as<T>());
  });
}

void conv2d_grad_weight(const Conv2dGradWeight& a, Stream) {
  dispatch_float(a.dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    conv_grad_weight(sizes(a.x, a.dweight, a.dy, a.window, a.groups), a.dy.as<T>(), a.x.as<T>(),
                     a.dweight.as<T>());
    if (a.dbias)
      column_sums(a.dy.as<T>(), a.dy.dim(0) * a.dy.dim(1) * a.dy.dim(2), a.dy.dim(3),
                  a.dbias.as<T>());
  });
}

}  // namespace lacuna::cpu
