// Pooling; formulas in kernels/pool2d.h.
#include "pool2d.h"

#include "../../kernels/pool2d.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {
namespace {

struct Pool2dAttributes {
  PoolKind kind;
  Pair kernel;
  Window2d window;
  bool count_include_pad;
  Shape x;
};

Gradients pool2d_backward(Saved& saved, Tensor dy, Needs) {
  const auto& at = saved.attributes<Pool2dAttributes>();
  dy = contiguous(dy);
  Tensor dx = Tensor::empty(at.x, dy.dtype(), dy.device());
  run<&KernelTable::pool2d_backward>(Pool2dBackward{dx.array(),
                                                    dy.array(),
                                                    saved[0].array(),
                                                    at.kind,
                                                    {at.kernel.h, at.kernel.w},
                                                    at.window,
                                                    at.count_include_pad},
                                     dy.device());
  return {dx};
}

Tensor pool2d(const char* op, const Tensor& input, PoolKind kind, const Pool2dOptions& options) {
  detail::check_four(op, "x", input, "(n, h, w, channels)");
  const Window2d window = detail::window_of(op, options.stride, options.padding, options.dilation);
  const Tensor x = contiguous(input);
  const Pair kernel = options.kernel;
  Tensor y = Tensor::empty({x.dim(0), window.output(x.dim(1), kernel.h, 0),
                            window.output(x.dim(2), kernel.w, 1), x.dim(3)},
                           x.dtype(), x.device());
  Tensor indices;  // which pixel won; of use to backward only
  if (kind == PoolKind::max && grad_enabled() && x.needs_grad())
    indices = Tensor::empty(y.shape(), Dtype::i32, x.device());
  run<&KernelTable::pool2d_forward>(Pool2dForward{y.array(),
                                                  x.array(),
                                                  indices.array(),
                                                  kind,
                                                  {kernel.h, kernel.w},
                                                  window,
                                                  options.count_include_pad},
                                    x.device());
  return record(op, y, {x},
                Saved{indices}.with(
                    Pool2dAttributes{kind, kernel, window, options.count_include_pad, x.shape()}),
                pool2d_backward);
}

}  // namespace

Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options) {
  return pool2d("max_pool2d", x, PoolKind::max, options);
}

Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options) {
  return pool2d("avg_pool2d", x, PoolKind::average, options);
}

Tensor global_avg_pool(const Tensor& x) {
  detail::check_four("global_avg_pool", "x", x, "(n, h, w, channels)");
  const Tensor y = pool2d("global_avg_pool", x, PoolKind::average,
                          {.kernel = {x.dim(1), x.dim(2)}, .stride = 1});
  return reshape(y, {x.dim(0), x.dim(3)});
}

}  // namespace lacuna
