// Transposed convolution; formulas in kernels/conv_transpose2d.h.
#include "conv_transpose2d.h"

#include <algorithm>

#include "../../kernels/conv_transpose2d.h"
#include "../shadow.h"
#include "../tape.h"
#include "reduce.h"
#include "shape.h"

namespace lacuna {
namespace {

struct ConvTranspose2dAttributes {
  Window2d window;
  Pair output_padding;
  std::int64_t groups;
  Epilogue activation;
  Shape x,
      weight;  // shapes: the tensors themselves are saved only where the other's gradient needs them
};

Gradients conv_transpose2d_backward(Saved& saved, Tensor dy, Needs needs) {
  const auto& at = saved.attributes<ConvTranspose2dAttributes>();
  dy = contiguous(detail::before_epilogue(at.activation, std::move(dy), saved[2]));
  Tensor dx, dweight, dbias;
  if (needs[0]) {
    dx = Tensor::empty(at.x, dy.dtype(), dy.device());
    run<&KernelTable::conv_transpose2d_grad_input>(
        ConvTranspose2dGradInput{dx.array(),
                                 dy.array(),
                                 saved[1].array(),
                                 at.window,
                                 {at.output_padding.h, at.output_padding.w},
                                 at.groups},
        dy.device());
  }
  if (needs[1]) {
    const Dtype dtype = statistics_dtype(dy.dtype());
    dweight = Tensor::empty(at.weight, dtype, dy.device());
    if (needs[2]) dbias = Tensor::empty({dy.dim(3)}, dtype, dy.device());
    run<&KernelTable::conv_transpose2d_grad_weight>(
        ConvTranspose2dGradWeight{dweight.array(),
                                  dbias.array(),
                                  dy.array(),
                                  saved[0].array(),
                                  at.window,
                                  {at.output_padding.h, at.output_padding.w},
                                  at.groups},
        dy.device());
  } else if (needs[2]) {
    dbias = bias_gradient(dy);
  }
  return {dx, dweight, dbias};
}

}  // namespace

Tensor conv_transpose2d(const Tensor& input, const Tensor& kernel, const Tensor& bias,
                        const ConvTranspose2dOptions& options) {
  const char* op = ConvTranspose2dForward::op;
  detail::check_four(op, "x", input, "(n, h, w, channels)");
  detail::check_four(op, "weight", kernel, "(in, kh, kw, out / groups)");
  const Window2d window = detail::window_of(op, options.stride, options.padding, options.dilation);
  const Tensor x = contiguous(input), weight = contiguous(kernel),
               b = bias.defined() ? contiguous(bias) : bias;
  const Tensor w = beside(weight, x.dtype()), shift = beside(b, x.dtype());
  const Pair extra = options.output_padding;
  // What does not fit is left to the kernel's rules, which name it.
  const auto size = [&](int axis, std::int64_t more) {
    const std::int64_t n = (x.dim(1 + axis) - 1) * window.stride[axis] - 2 * window.padding[axis] +
                           window.span(weight.dim(1 + axis), axis);
    return std::max<std::int64_t>(n + more, 0);
  };
  Tensor y = Tensor::empty({x.dim(0), size(0, extra.h), size(1, extra.w),
                            weight.dim(3) * std::max<std::int64_t>(options.groups, 0)},
                           x.dtype(), x.device());
  run<&KernelTable::conv_transpose2d_forward>(ConvTranspose2dForward{y.array(),
                                                                     x.array(),
                                                                     w.array(),
                                                                     shift.array(),
                                                                     window,
                                                                     {extra.h, extra.w},
                                                                     options.groups,
                                                                     options.activation},
                                              x.device());
  const bool ends = options.activation != Epilogue::none;
  return record(
      op, y, {x, weight, b},
      Saved{weight.needs_grad() ? x : Tensor(), x.needs_grad() ? w : Tensor(), ends ? y : Tensor()}
          .with(ConvTranspose2dAttributes{window, extra, options.groups, options.activation,
                                          x.shape(), weight.shape()}),
      conv_transpose2d_backward);
}

}  // namespace lacuna
