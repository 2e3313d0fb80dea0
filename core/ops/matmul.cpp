// Matrix products; see kernels/matmul.h. Transposition, forward and backward, is a matter of strides.
#include "matmul.h"

#include "../../kernels/matmul.h"
#include "../shadow.h"
#include "../tape.h"
#include "reduce.h"
#include "shape.h"
#include "window.h"

namespace lacuna {
namespace {

// t itself where the kernel can read its matrices (rows or columns one after the other), else a copy in row-major order.
Tensor readable(const Tensor& t) {
  bool unit = false, spread = true;
  for (int d : {t.ndim() - 2, t.ndim() - 1}) {
    unit = unit || t.dim(d) <= 1 || t.strides()[d] == 1;
    spread = spread && (t.dim(d) <= 1 || t.strides()[d] > 0);
  }
  return unit && spread ? t : contiguous(t);
}

// t (..., r, c), or its transpose, with the batch dimensions repeated to `batch`.
Array operand(const Tensor& t, bool transposed, const Shape& batch) {
  const Array from = t.array();
  Array to = from;
  const int lead = batch.size() - (from.ndim - 2);
  for (int i = 0; i < batch.size(); i++) {
    to.shape[i] = batch[i];
    to.strides[i] = i < lead || from.shape[i - lead] == 1 ? 0 : from.strides[i - lead];
  }
  for (int i : {0, 1}) {
    const int source = from.ndim - 2 + (transposed ? 1 - i : i);
    to.shape[batch.size() + i] = from.shape[source];
    to.strides[batch.size() + i] = from.strides[source];
  }
  to.ndim = static_cast<std::int8_t>(batch.size() + 2);
  return to;
}

Shape batch_of(const Tensor& t) { return Shape(t.shape().begin(), t.shape().end() - 2); }

struct Operand {
  const Tensor& tensor;
  bool transposed;
};

Tensor product(Operand a, Operand b, Shape shape, Dtype dtype) {
  const Array left = operand(a.tensor, a.transposed, shape),
              right = operand(b.tensor, b.transposed, shape);
  shape.push_back(left.dim(-2));
  shape.push_back(right.dim(-1));
  Tensor c = Tensor::empty(shape, dtype, a.tensor.device());
  run<&KernelTable::matmul>(Matmul{c.array(), left, right, {}}, c.device());
  return c;
}

Gradients matmul_backward(Saved& saved, Tensor dy, Needs needs) {
  const auto& at = saved.attributes<MatmulOptions>();
  const Tensor dc = readable(dy), &a = saved[0], &b = saved[1];
  const Shape batch = batch_of(dc);
  Tensor da, db;
  if (needs[0])
    da = at.transpose_a ? product({b, at.transpose_b}, {dc, true}, batch, dc.dtype())
                        : product({dc, false}, {b, !at.transpose_b}, batch, dc.dtype());
  if (needs[1])
    db = at.transpose_b ? product({dc, true}, {a, at.transpose_a}, batch, dc.dtype())
                        : product({a, !at.transpose_a}, {dc, false}, batch, dc.dtype());
  return {da, db};
}

Gradients linear_backward(Saved& saved, Tensor dy, Needs needs) {
  dy = readable(detail::before_epilogue(saved.attributes<Epilogue>(), std::move(dy), saved[2]));
  Tensor dx, dweight, dbias;
  // First, so that x may be freed before dx is there.
  if (needs[1])
    dweight = product({dy, true}, {saved.take(0), false}, {}, statistics_dtype(dy.dtype()));
  if (needs[0]) dx = product({dy, false}, {saved[1], false}, {}, dy.dtype());
  if (needs[2]) dbias = bias_gradient(dy);
  return {dx, dweight, dbias, needs[3] ? dy : Tensor()};
}

// x (rows, in)
Tensor linear_rows(const Tensor& input, const Tensor& matrix, const Tensor& bias,
                   Epilogue activation, const Tensor& shortcut) {
  const Tensor x = readable(input), weight = readable(matrix),
               b = bias.defined() ? contiguous(bias) : bias,
               residual = shortcut.defined() ? contiguous(shortcut) : shortcut;
  const Tensor w = beside(weight, x.dtype()), shift = beside(b, x.dtype());
  Tensor y = Tensor::empty({x.dim(0), weight.dim(0)}, x.dtype(), x.device());
  run<&KernelTable::matmul>(Matmul{y.array(), x.array(), operand(w, true, {}), shift.array(),
                                   activation, residual.array()},
                            x.device());
  return record("linear", y, {x, weight, b, residual},
                Saved{weight.needs_grad() ? x : Tensor(), x.needs_grad() ? w : Tensor(),
                      activation != Epilogue::none ? y : Tensor()}
                    .with(activation),
                linear_backward);
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  LACUNA_CHECK(a.ndim() >= 2 && b.ndim() >= 2, "matmul",
               "both operands must have at least two dimensions: got ", describe("a", a), ", ",
               describe("b", b));
  // One matrix for a whole batch: the batch is more rows of a, and db needs no sum over it.
  if (a.ndim() > 2 && b.ndim() == 2 && !options.transpose_a && a.is_contiguous()) {
    Shape shape = a.shape();
    shape[a.ndim() - 1] = b.dim(options.transpose_b ? 0 : 1);
    const Tensor rows = reshape(a, {batch_of(a).numel() * a.dim(-2), a.dim(-1)});
    return reshape(matmul(rows, b, options), shape);
  }
  const Tensor left = readable(a), right = readable(b);
  const Shape batch = broadcast("matmul", batch_of(a), batch_of(b));
  return record(
      "matmul",
      product({left, options.transpose_a}, {right, options.transpose_b}, batch, left.dtype()),
      {left, right},
      Saved{right.needs_grad() ? left : Tensor(), left.needs_grad() ? right : Tensor()}.with(
          options),
      matmul_backward);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const LinearOptions& options, const Tensor& residual) {
  const auto got = [&] {
    return describe("x", x) + ", " + describe("weight", weight) +
           (bias.defined() ? ", " + describe("bias", bias) : "") +
           (residual.defined() ? ", " + describe("residual", residual) : "");
  };
  LACUNA_CHECK(x.ndim() >= 1 && weight.ndim() == 2, "linear",
               "needs x (..., in) and weight (out, in): got ", got());
  LACUNA_CHECK(x.dim(-1) == weight.dim(1), "linear",
               "x's last dimension must be weight's second: got ", got());
  LACUNA_CHECK(!bias.defined() || (bias.ndim() == 1 && bias.dim(0) == weight.dim(0)), "linear",
               "bias must have one element an output: got ", got());
  Shape shape = x.shape();
  shape[x.ndim() - 1] = weight.dim(0);
  LACUNA_CHECK(!residual.defined() || residual.shape() == shape, "linear",
               "residual must have the shape of the result: got ", got());
  if (x.ndim() == 2) return linear_rows(x, weight, bias, options.activation, residual);
  std::int64_t rows = 1;
  for (int d = 0; d + 1 < x.ndim(); d++) rows *= x.dim(d);
  return reshape(
      linear_rows(reshape(x, {rows, x.dim(-1)}), weight, bias, options.activation,
                  residual.defined() ? reshape(residual, {rows, weight.dim(0)}) : residual),
      shape);
}

}  // namespace lacuna
