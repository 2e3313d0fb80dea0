#include "window.h"

#include "../../kernels/elementwise.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna::detail {

Window2d window_of(const char* op, Pair stride, Pair padding, Pair dilation) {
  const Window2d window{{stride.h, stride.w}, {padding.h, padding.w}, {dilation.h, dilation.w}};
  check_window(op, window);
  return window;
}

void check_four(const char* op, const char* name, const Tensor& t, const char* layout) {
  LACUNA_CHECK(t.ndim() == 4, op, name, " must have four dimensions ", layout, ": got ",
               describe(name, t));
}

Tensor before_epilogue(Epilogue epilogue, Tensor dy, const Tensor& y) {
  if (epilogue == Epilogue::none) return dy;
  // The three are functions of y alone, so the unary kernels' gradients serve.
  const UnaryOp kind = epilogue == Epilogue::relu      ? UnaryOp::relu
                       : epilogue == Epilogue::sigmoid ? UnaryOp::sigmoid
                                                       : UnaryOp::tanh;
  dy = contiguous(dy);
  Tensor before = reuse_or_empty(dy);
  run<&KernelTable::unary_backward>(UnaryBackward{kind, before.array(), dy.array(), y.array()},
                                    dy.device());
  return before;
}

}  // namespace lacuna::detail
