// Convolution; formulas in kernels/conv2d.h.
#include "conv2d.h"

#include "../../kernels/conv2d.h"
#include "../shadow.h"
#include "../tape.h"
#include "batch_norm.h"
#include "reduce.h"
#include "shape.h"

namespace lacuna {
namespace {

struct Conv2dAttributes {
  Window2d window;
  std::int64_t groups;
  Epilogue activation;
  Shape x,
      weight;  // shapes: the tensors themselves are saved only where the other's gradient needs them
};

Gradients conv2d_backward(Saved& saved, Tensor dy, Needs needs) {
  const auto& at = saved.attributes<Conv2dAttributes>();
  dy = contiguous(detail::before_epilogue(at.activation, std::move(dy), saved[2]));
  Tensor dx, dweight, dbias;
  if (needs[1]) {
    const Tensor x = saved.take(0);  // freed before dx is there, where nobody else has it
    const Dtype dtype = statistics_dtype(dy.dtype());
    dweight = Tensor::empty(at.weight, dtype, dy.device());
    if (needs[2]) dbias = Tensor::empty({at.weight[0]}, dtype, dy.device());
    run<&KernelTable::conv2d_grad_weight>(
        Conv2dGradWeight{dweight.array(), dbias.array(), dy.array(), x.array(), at.window,
                         at.groups},
        dy.device());
  } else if (needs[2]) {
    dbias = bias_gradient(dy);
  }
  if (needs[0]) {
    dx = Tensor::empty(at.x, dy.dtype(), dy.device());
    run<&KernelTable::conv2d_grad_input>(
        Conv2dGradInput{dx.array(), dy.array(), saved[1].array(), at.window, at.groups},
        dy.device());
  }
  return {dx, dweight, dbias, needs[3] ? dy : Tensor()};
}

}  // namespace

Tensor conv2d(const Tensor& input, const Tensor& kernel, const Tensor& bias,
              const Conv2dOptions& options, const Tensor& shortcut, ChannelMoments* moments) {
  const char* op = Conv2dForward::op;
  detail::check_four(op, "x", input, "(n, h, w, channels)");
  detail::check_four(op, "weight", kernel, "(out, kh, kw, in / groups)");
  const Window2d window = detail::window_of(op, options.stride, options.padding, options.dilation);
  const Tensor x = contiguous(input), weight = contiguous(kernel),
               b = bias.defined() ? contiguous(bias) : bias,
               residual = shortcut.defined() ? contiguous(shortcut) : shortcut;
  const Tensor w = beside(weight, x.dtype()), shift = beside(b, x.dtype());
  Tensor y = Tensor::empty({x.dim(0), window.output(x.dim(1), weight.dim(1), 0),
                            window.output(x.dim(2), weight.dim(2), 1), weight.dim(0)},
                           x.dtype(), x.device());
  ChannelMoments of_y;
  if (moments)
    for (Tensor* t : {&of_y.mean, &of_y.centred})
      *t = Tensor::empty({y.dim(3)}, statistics_dtype(y.dtype()), y.device());
  run<&KernelTable::conv2d_forward>(
      Conv2dForward{y.array(), x.array(), w.array(), shift.array(), window, options.groups,
                    options.activation, residual.array(), of_y.mean.array(), of_y.centred.array()},
      x.device());
  if (moments) *moments = of_y;
  const bool ends = options.activation != Epilogue::none;
  return record(
      op, y, {x, weight, b, residual},
      Saved{weight.needs_grad() ? x : Tensor(), x.needs_grad() ? w : Tensor(), ends ? y : Tensor()}
          .with(Conv2dAttributes{window, options.groups, options.activation, x.shape(),
                                 weight.shape()}),
      conv2d_backward);
}

}  // namespace lacuna
