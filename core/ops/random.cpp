// Tensors of random numbers; see random.h.
#include "random.h"

#include "../../kernels/random_fill.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {
namespace {

Tensor fill(Distribution kind, const Shape& shape, double a, double b, RandomKey key, Dtype dtype,
            Device device) {
  const Tensor y = Tensor::empty(shape, dtype, device), row = reshape(y, {1, y.numel()});
  run<&KernelTable::random_fill>(RandomFill{kind, row.array(), {}, key, a, b}, device);
  return y;
}

Tensor fill(Distribution kind, const Shape& shape, double a, double b, const Context& ctx,
            std::string_view stream, Dtype dtype, Device device) {
  const Tensor y = Tensor::empty(shape, dtype, device);
  const Tensor ids = ctx.ids.defined() ? contiguous(to(ctx.ids, device)) : Tensor();
  run<&KernelTable::random_fill>(RandomFill{kind, y.array(), ids.array(), ctx.key(stream), a, b},
                                 device);
  return y;
}

}  // namespace

Tensor uniform(const Shape& shape, double low, double high, RandomKey key, Dtype dtype,
               Device device) {
  return fill(Distribution::uniform, shape, low, high, key, dtype, device);
}
Tensor uniform(const Shape& shape, double low, double high, const Context& ctx,
               std::string_view stream, Dtype dtype, Device device) {
  return fill(Distribution::uniform, shape, low, high, ctx, stream, dtype, device);
}
Tensor normal(const Shape& shape, double mean, double std, RandomKey key, Dtype dtype,
              Device device) {
  return fill(Distribution::normal, shape, mean, std, key, dtype, device);
}
Tensor normal(const Shape& shape, double mean, double std, const Context& ctx,
              std::string_view stream, Dtype dtype, Device device) {
  return fill(Distribution::normal, shape, mean, std, ctx, stream, dtype, device);
}
Tensor bernoulli(const Shape& shape, double p, RandomKey key, Dtype dtype, Device device) {
  return fill(Distribution::bernoulli, shape, p, 0, key, dtype, device);
}
Tensor bernoulli(const Shape& shape, double p, const Context& ctx, std::string_view stream,
                 Dtype dtype, Device device) {
  return fill(Distribution::bernoulli, shape, p, 0, ctx, stream, dtype, device);
}

}  // namespace lacuna
