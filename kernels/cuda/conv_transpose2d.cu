// transposed convolution: convolution's kernels with x and y exchanged. Its weight, (in, kh, kw, out / groups), is that of
// the convolution which reads y and writes x.
//   checked by   tests/ops/conv_transpose2d.cpp
//   measured     not measured
#include "../conv_transpose2d.h"

#include <device/intrinsics.cuh>

#include "conv2d.h"

namespace lacuna::LACUNA_NS {

void conv_transpose2d_forward(const ConvTranspose2dForward& a, Stream stream) {
  conv_grad_input({a.y, a.weight, a.x, a.window, a.groups, stream}, {a.bias, a.epilogue});
}

void conv_transpose2d_grad_input(const ConvTranspose2dGradInput& a, Stream stream) {
  conv_forward({a.dy, a.weight, a.dx, a.window, a.groups, stream}, {});
}

void conv_transpose2d_grad_weight(const ConvTranspose2dGradWeight& a, Stream stream) {
  conv_grad_weight({a.dy, a.dweight, a.x, a.window, a.groups, stream});
  if (a.dbias) channel_sums(a.dbias, a.dy, stream);
}

}  // namespace lacuna::LACUNA_NS
