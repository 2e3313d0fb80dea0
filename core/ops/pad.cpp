// Padding: a strided copy into the middle of the result. The gradient is the middle of dy, a view.
#include "pad.h"

#include "../../kernels/copy.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {
namespace {

struct Middle {
  Shape begin, size;
};

Tensor middle_of(Tensor t, const Middle& middle) {
  for (int d = 0; d < t.ndim(); d++)
    t = slice(t, d, middle.begin[d], middle.begin[d] + middle.size[d]);
  return t;
}

Gradients pad_backward(Saved& saved, Tensor dy, Needs) {
  return {middle_of(std::move(dy), saved.attributes<Middle>())};
}

}  // namespace

Tensor pad(const Tensor& x, const Shape& before, const Shape& after, double value) {
  LACUNA_CHECK(x.defined() && before.size() == x.ndim() && after.size() == x.ndim(), "pad",
               "needs one number a dimension before and after: got ", before, " and ", after,
               " for ", describe("x", x));
  Shape shape = x.shape();
  for (int d = 0; d < x.ndim(); d++) {
    LACUNA_CHECK(before[d] >= 0 && after[d] >= 0, "pad", "numbers must not be negative: got ",
                 before, " and ", after);
    shape[d] += before[d] + after[d];
  }
  Tensor y = Tensor::full(shape, value, x.dtype(), x.device());
  const Middle middle{before, x.shape()};
  run<&KernelTable::copy>(Copy{middle_of(y, middle).array(), x.array()}, y.device());
  return record("pad", y, {x}, Saved().with(middle), pad_backward);
}

}  // namespace lacuna
