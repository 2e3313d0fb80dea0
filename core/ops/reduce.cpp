// Reductions; see reduce.h.
#include "reduce.h"

#include "../../kernels/reduce.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {

static Gradients sum_to_backward(Saved& saved, Tensor dy, Needs) {
  return {broadcast_to(dy, saved.attributes<Shape>())};
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  LACUNA_CHECK(x.defined(), "sum_to", "the tensor is undefined");
  if (x.shape() == shape) return x;
  LACUNA_CHECK(broadcast("sum_to", x.shape(), shape) == x.shape(), "sum_to",
               "the shape must broadcast to x's: got ", describe("x", x), " to ", shape);
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  {
    NoGrad guard;
    run<&KernelTable::reduce>(Reduce{ReduceOp::sum, broadcast_to(y, x.shape()).array(), x.array()},
                              x.device());
  }
  return record("sum_to", y, {x}, Saved().with(x.shape()), sum_to_backward);
}

Tensor sum(const Tensor& x, const Shape& dims, bool keep) {
  LACUNA_CHECK(x.defined(), "sum", "the tensor is undefined");
  Shape kept = x.shape(), short_shape;
  std::uint32_t reduced = dims.empty() ? ~0u : 0;
  for (auto d : dims) reduced |= 1u << wrap_dim("sum", static_cast<int>(d), x.ndim());
  for (int d = 0; d < x.ndim(); d++) {
    if (reduced >> d & 1)
      kept[d] = 1;
    else
      short_shape.push_back(x.dim(d));
  }
  const Tensor y = sum_to(x, kept);
  return keep ? y : reshape(y, short_shape);
}

}  // namespace lacuna
