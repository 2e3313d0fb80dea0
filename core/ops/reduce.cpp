// Reductions; see reduce.h.
#include "reduce.h"

#include <limits>

#include "../../kernels/reduce.h"
#include "../tape.h"
#include "elementwise.h"
#include "index.h"
#include "shape.h"

namespace lacuna {
namespace {

// x's shape with the reduced dimensions of size 1 (kept), and without them (dropped).
struct Reduced {
  Shape kept, dropped;
  std::uint32_t dims = 0;  // a bit each
  std::int64_t n = 1;      // elements that make one

  Reduced(const char* op, const Tensor& x, const Shape& over) {
    LACUNA_CHECK(x.defined(), op, "the tensor is undefined");
    dims = over.empty() ? ~0u : 0;
    for (auto d : over) dims |= 1u << wrap_dim(op, static_cast<int>(d), x.ndim());
    kept = x.shape();
    for (int d = 0; d < x.ndim(); d++) {
      if (has(d)) {
        n *= x.dim(d);
        kept[d] = 1;
      } else {
        dropped.push_back(x.dim(d));
      }
    }
  }
  bool has(int d) const { return dims >> d & 1; }
  Tensor shaped(const Tensor& y, bool keep) const { return reshape(y, keep ? kept : dropped); }
};

Gradients sum_to_backward(Saved& saved, Tensor dy, Needs) {
  return {broadcast_to(dy, saved.attributes<Shape>())};
}

// Saved: x, mean (kept). The mean's own share of the gradient is 0, for the differences from it sum to 0.
Gradients var_backward(Saved& saved, Tensor dy, Needs) {
  return {(saved[0] - saved[1]) * (dy * saved.attributes<double>())};
}

// The reduced dimensions last and merged: (rows, n).
Tensor rows_of(const Tensor& x, const Reduced& r) {
  Shape order;
  for (int d = 0; d < x.ndim(); d++)
    if (!r.has(d)) order.push_back(d);
  for (int d = 0; d < x.ndim(); d++)
    if (r.has(d)) order.push_back(d);
  return reshape(permute(x, order), {r.dropped.numel(), r.n});
}

Tensor argmax_of_rows(const Tensor& rows, bool smallest) {
  const Tensor x = contiguous(rows), index = Tensor::empty({x.dim(0)}, Dtype::i64, x.device());
  run<&KernelTable::argmax>(Argmax{index.array(), x.array(), smallest}, x.device());
  return index;
}

Tensor extreme(const char* op, const Tensor& x, const Shape& dims, bool keep, bool smallest) {
  const Reduced r(op, x, dims);
  LACUNA_CHECK(r.n > 0 || r.dropped.numel() == 0, op,
               "needs at least one element to choose from: got ", describe("x", x));
  const Tensor rows = contiguous(rows_of(x, r));
  const Tensor index = reshape(argmax_of_rows(rows.detach(), smallest), {rows.dim(0), 1});
  return r.shaped(gather(rows, 1, index), keep);
}

// What takes several steps takes them in f32 where x is bf16, and is rounded once, at the end.
template <class F>
Tensor in_steps(const Tensor& x, F&& f) {
  if (!x.defined() || x.dtype() != Dtype::bf16) return f(x);
  return to(f(to(x, Dtype::f32)), Dtype::bf16);
}

}  // namespace

Tensor sum_to(const Tensor& x, const Shape& shape) {
  LACUNA_CHECK(x.defined(), "sum_to", "the tensor is undefined");
  if (x.shape() == shape) return x;
  LACUNA_CHECK(broadcast("sum_to", x.shape(), shape) == x.shape(), "sum_to",
               "the shape must broadcast to x's: got ", describe("x", x), " to ", shape);
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  {
    NoGrad guard;
    run<&KernelTable::sum>(Sum{broadcast_to(y, x.shape()).array(), x.array()}, x.device());
  }
  return record("sum_to", y, {x}, Saved().with(x.shape()), sum_to_backward);
}

Tensor bias_gradient(const Tensor& dy) {
  const Tensor y = Tensor::empty({dy.dim(-1)}, statistics_dtype(dy.dtype()), dy.device());
  run<&KernelTable::sum>(Sum{broadcast_to(y, dy.shape()).array(), dy.array()}, dy.device());
  return y;
}

Tensor sum(const Tensor& x, const Shape& dims, bool keep) {
  const Reduced r("sum", x, dims);
  return r.shaped(sum_to(x, r.kept), keep);
}

Tensor mean(const Tensor& x, const Shape& dims, bool keep) {
  const Reduced r("mean", x, dims);
  return in_steps(x, [&](const Tensor& v) {
    return r.shaped(sum_to(v, r.kept) * (1.0 / static_cast<double>(r.n)), keep);
  });
}

Tensor var(const Tensor& input, const Shape& dims, bool keep, bool unbiased) {
  return in_steps(input, [&](const Tensor& x) {
    const Reduced r("var", x, dims);
    const auto n = static_cast<double>(r.n), divisor = unbiased && n > 0 ? n - 1 : n;
    Tensor y, average;
    {
      NoGrad guard;
      average = mean(x, dims, true);
      y = sum_to(square(x - average), r.kept) * (1 / divisor);
    }
    y = record("var", y, {x}, Saved{x, average}.with(2 / divisor), var_backward);
    return r.shaped(y, keep);
  });
}

Tensor max(const Tensor& x, const Shape& dims, bool keep) {
  return extreme("max", x, dims, keep, false);
}
Tensor min(const Tensor& x, const Shape& dims, bool keep) {
  return extreme("min", x, dims, keep, true);
}

Tensor logsumexp(const Tensor& input, const Shape& dims, bool keep) {
  return in_steps(input, [&](const Tensor& x) {
    const Reduced r("logsumexp", x, dims);
    if (r.n == 0)
      return Tensor::full(keep ? r.kept : r.dropped, -std::numeric_limits<double>::infinity(),
                          x.dtype(), x.device());
    Tensor shift;
    {
      NoGrad guard;
      const Tensor top = max(x.detach(), dims, true);
      const auto constant = [&](double v) { return Tensor::scalar(v, x.dtype(), x.device()); };
      // A row whose largest is infinite is not shifted: inf - inf would be NaN.
      shift = where(less(abs(top), constant(std::numeric_limits<double>::infinity())), top,
                    constant(0));
    }
    return r.shaped(log(sum_to(exp(x - shift), r.kept)) + shift, keep);
  });
}

Tensor argmax(const Tensor& x, int dim) {
  LACUNA_CHECK(x.defined() && x.ndim() > 0, "argmax", "needs at least one dimension: got ",
               describe("x", x));
  NoGrad guard;
  const Reduced r("argmax", x, {dim});
  return reshape(argmax_of_rows(rows_of(x.detach(), r), false), r.dropped);
}

}  // namespace lacuna
