// Softmax and log-softmax; formulas in kernels/softmax.h.
#include "softmax.h"

#include "../../kernels/softmax.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {

static Gradients softmax_backward(Saved& saved, Tensor dy, Needs) {
  dy = contiguous(dy);
  Tensor dx = reuse_or_empty(dy);
  run<&KernelTable::softmax_backward>(
      SoftmaxBackward{dx.array(), saved[0].array(), dy.array(), saved.attributes<bool>()},
      dy.device());
  return {dx};
}

static Tensor over_last(const char* op, const Tensor& input, bool log) {
  const Tensor x = contiguous(input);
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  run<&KernelTable::softmax_forward>(SoftmaxForward{y.array(), x.array(), log}, x.device());
  return record(op, y, {x}, Saved{y}.with(log), softmax_backward);
}

static Tensor along(const char* op, const Tensor& x, int dim, bool log) {
  LACUNA_CHECK(x.defined() && x.ndim() > 0, op, "needs at least one dimension: got ",
               describe("x", x));
  dim = wrap_dim(op, dim, x.ndim());
  if (dim == x.ndim() - 1) return over_last(op, x, log);
  return transpose(over_last(op, transpose(x, dim, -1), log), dim, -1);
}

Tensor softmax(const Tensor& x, int dim) { return along("softmax", x, dim, false); }
Tensor log_softmax(const Tensor& x, int dim) { return along("log_softmax", x, dim, true); }

}  // namespace lacuna
