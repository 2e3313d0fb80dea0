// Gather, select and add by index; see kernels/index.h.
#include "index.h"

#include "../../kernels/index.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {
namespace {

struct IndexAttributes {
  int dim;
  Shape x;  // of what was gathered from
};

// A contiguous tensor as (outer, size of dim, inner).
Array three(const Tensor& t, int dim) {
  Array a = t.array();
  a.ndim = 3;
  for (int i = 0; i < 3; i++) a.shape[i] = 1;
  for (int i = 0; i < t.ndim(); i++) a.shape[i < dim ? 0 : i == dim ? 1 : 2] *= t.dim(i);
  a.strides[2] = 1;
  a.strides[1] = a.shape[2];
  a.strides[0] = a.shape[1] * a.shape[2];
  return a;
}

// An index as the kernels want it beside rows of `shape`: a list repeats for every outer and inner place.
Array index_array(const Tensor& index, int dim, const Array& rows) {
  if (index.ndim() != 1) return three(index, dim);
  Array a = rows;
  a.data = index.array().data;
  a.dtype = index.dtype();
  a.strides[0] = a.strides[2] = 0;
  a.strides[1] = 1;
  return a;
}

void add_to(const Tensor& y, int dim, const Tensor& index, const Tensor& source) {
  const Array rows = three(source, dim);
  run<&KernelTable::scatter_add>(ScatterAdd{three(y, dim), rows, index_array(index, dim, rows)},
                                 y.device());
}

Gradients gather_backward(Saved& saved, Tensor dy, Needs) {
  const auto& at = saved.attributes<IndexAttributes>();
  Tensor dx = Tensor::zeros(at.x, dy.dtype(), dy.device());
  add_to(dx, at.dim, saved[0], contiguous(dy));
  return {dx};
}

Tensor pick(const char* op, const Tensor& input, int dim, const Tensor& indices,
            const Shape& shape) {
  detail::check_index(op, indices, input.dim(dim));
  const Tensor x = contiguous(input), index = contiguous(indices);
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  const Array rows = three(y, dim);
  run<&KernelTable::gather>(Gather{rows, three(x, dim), index_array(index, dim, rows)}, x.device());
  return record(op, y, {x}, Saved{index}.with(IndexAttributes{dim, x.shape()}), gather_backward);
}

Gradients index_add_backward(Saved& saved, Tensor dy, Needs needs) {
  return {needs[0] ? dy : Tensor(),
          needs[1] ? index_select(dy, saved.attributes<int>(), saved[0]) : Tensor()};
}

}  // namespace

void detail::check_index(const char* op, const Tensor& index, std::int64_t size) {
  LACUNA_CHECK(index.defined() && index.dtype() == Dtype::i64, op, "index must be i64: got ",
               describe("index", index));
  if (index.device().type == DeviceType::cuda) return;  // out of reach: see kernels/index.h
  const Tensor packed = contiguous(index);
  const std::int64_t* const v = packed.data<std::int64_t>();
  for (std::int64_t i = 0; i < packed.numel(); i++) {
    if (v[i] >= 0 && v[i] < size) continue;
    Shape place = index.shape();
    std::int64_t rest = i;
    for (int d = index.ndim() - 1; d >= 0; d--) {
      place[d] = rest % index.shape()[d];
      rest /= index.shape()[d];
    }
    fail(op, "index must be at least 0 and below ", size, ": got ", v[i], " at ", place, " of ",
         describe("index", index));
  }
}

Tensor gather(const Tensor& x, int dim, const Tensor& index) {
  const char* op = "gather";
  LACUNA_CHECK(x.defined() && x.ndim() >= 1 && index.ndim() == x.ndim(), op,
               "index must have as many dimensions as x, one or more: got ", describe("x", x), ", ",
               describe("index", index));
  dim = wrap_dim(op, dim, x.ndim());
  for (int d = 0; d < x.ndim(); d++)
    LACUNA_CHECK(d == dim || index.dim(d) == x.dim(d), op,
                 "index must have x's sizes in every dimension but ", dim, ": got ",
                 describe("x", x), ", ", describe("index", index));
  return pick(op, x, dim, index, index.shape());
}

Tensor index_select(const Tensor& x, int dim, const Tensor& index) {
  const char* op = "index_select";
  LACUNA_CHECK(x.defined() && x.ndim() >= 1 && index.ndim() == 1, op,
               "needs x of one dimension or more, and index of one: got ", describe("x", x), ", ",
               describe("index", index));
  dim = wrap_dim(op, dim, x.ndim());
  Shape shape = x.shape();
  shape[dim] = index.dim(0);
  return pick(op, x, dim, index, shape);
}

Tensor index_add(const Tensor& x, int dim, const Tensor& indices, const Tensor& source) {
  const char* op = "index_add";
  const auto got = [&] {
    return describe("x", x) + ", " + describe("index", indices) + ", " + describe("source", source);
  };
  LACUNA_CHECK(x.defined() && x.ndim() >= 1 && indices.ndim() == 1, op,
               "needs x of one dimension or more, and index of one: got ", got());
  dim = wrap_dim(op, dim, x.ndim());
  Shape shape = x.shape();
  shape[dim] = indices.dim(0);
  LACUNA_CHECK(source.defined() && source.shape() == shape, op, "source must be ", shape, ": got ",
               got());
  detail::check_index(op, indices, x.dim(dim));
  const Tensor index = contiguous(indices), rows = contiguous(source);
  Tensor y = x.detach().clone();
  add_to(y, dim, index, rows);
  return record(op, y, {x, rows}, Saved{index}.with(dim), index_add_backward);
}

}  // namespace lacuna
