#include "dropout.h"

#include "../../kernels/dropout.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {

struct DropoutAttributes {
  RandomKey key;
  double p;
};

static Gradients dropout_backward(Saved& saved, Tensor dy, Needs) {
  const auto& at = saved.attributes<DropoutAttributes>();
  dy = contiguous(dy);
  Tensor dx = reuse_or_empty(dy);
  run<&KernelTable::dropout>(Dropout{dx.array(), dy.array(), saved[0].array(), at.key, at.p},
                             dy.device());
  return {dx};
}

Tensor dropout(const Tensor& input, double p, const Context& ctx, std::string_view stream) {
  LACUNA_CHECK(input.defined(), "dropout", "the tensor is undefined");
  LACUNA_CHECK(p >= 0 && p <= 1, "dropout", "a probability is between 0 and 1: got ", p);
  if (!ctx.training || p == 0) return input;
  const Tensor x = contiguous(input);
  const Tensor ids = ctx.ids.defined() ? contiguous(to(ctx.ids, x.device())) : Tensor();
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  const DropoutAttributes at{ctx.key(stream), p};
  run<&KernelTable::dropout>(Dropout{y.array(), x.array(), ids.array(), at.key, p}, x.device());
  return record("dropout", y, {x}, Saved{ids}.with(at), dropout_backward);
}

}  // namespace lacuna
