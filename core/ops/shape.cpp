// Views and moves. See shape.h; none of these but contiguous() and to() touches the data in forward.
#include "shape.h"

#include "../../kernels/copy.h"
#include "../tape.h"
#include "reduce.h"

namespace lacuna {
namespace {

Tensor view(const Tensor& x, const Shape& shape, const Shape& strides, std::int64_t offset) {
  return Tensor(x.storage(), shape, strides, offset, x.dtype());
}

void check_defined(const char* op, const Tensor& x) {
  LACUNA_CHECK(x.defined(), op, "the tensor is undefined");
}

// Bytes between devices, through the host where neither is it.
Tensor moved(const Tensor& x, Device device) {
  const Device host;
  const Tensor source = contiguous(x);
  Tensor out = Tensor::empty(x.shape(), x.dtype(), device);
  const std::size_t bytes = x.numel() * size_of(x.dtype());
  if (device == host) {
    find_backend(x.device().type)->memory.copy(out.array().data, source.array().data, bytes);
  } else if (x.device() == host || x.device() == device) {
    find_backend(device.type)->memory.copy(out.array().data, source.array().data, bytes);
  } else {
    return moved(moved(source, host), device);
  }
  return out;
}

Gradients to_device_backward(Saved& saved, Tensor dy, Needs) {
  return {to(dy, saved.attributes<Device>())};
}
Gradients to_dtype_backward(Saved& saved, Tensor dy, Needs) {
  return {to(dy, saved.attributes<Dtype>())};
}
Gradients identity_backward(Saved&, Tensor dy, Needs) { return {std::move(dy)}; }
Gradients reshape_backward(Saved& saved, Tensor dy, Needs) {
  return {reshape(dy, saved.attributes<Shape>())};
}

Gradients permute_backward(Saved& saved, Tensor dy, Needs) {
  const Shape& order = saved.attributes<Shape>();
  Shape inverse = order;
  for (int i = 0; i < order.size(); i++) inverse[static_cast<int>(order[i])] = i;
  return {permute(dy, inverse)};
}

Gradients broadcast_backward(Saved& saved, Tensor dy, Needs) {
  return {sum_to(dy, saved.attributes<Shape>())};
}

struct SliceOf {
  Shape shape;
  int dim;
  std::int64_t begin, end, step;
};

Gradients slice_backward(Saved& saved, Tensor dy, Needs) {
  const auto& a = saved.attributes<SliceOf>();
  Tensor dx = Tensor::zeros(a.shape, dy.dtype(), dy.device());
  slice(dx, a.dim, a.begin, a.end, a.step).copy_from(dy);
  return {dx};
}

}  // namespace

Tensor to(const Tensor& x, Device device) {
  check_defined("to", x);
  if (x.device() == device) return x;
  return record("to", moved(x, device), {x}, Saved().with(x.device()), to_device_backward);
}

Tensor to(const Tensor& x, Dtype dtype) {
  check_defined("to", x);
  if (x.dtype() == dtype) return x;
  Tensor y = Tensor::empty(x.shape(), dtype, x.device());
  run<&KernelTable::copy>(Copy{y.array(), x.array()}, x.device());
  return record("to", y, {x}, Saved().with(x.dtype()), to_dtype_backward);
}

Tensor contiguous(const Tensor& x) {
  check_defined("contiguous", x);
  if (x.is_contiguous()) return x;
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  run<&KernelTable::copy>(Copy{y.array(), x.array()}, x.device());
  return record("contiguous", y, {x}, {}, identity_backward);
}

// From what the first of a chain of reshapes began with.
static Tensor remake_reshape(const Node& node) {
  const Node* maker = &node;
  while (maker->remake == remake_reshape) maker = maker->inputs[0].get();
  return reshape(output_of(*maker), node.shape);
}

Tensor reshape(const Tensor& x, const Shape& wanted) {
  check_defined("reshape", x);
  Shape shape = wanted;
  std::int64_t known = 1;
  int inferred = -1;
  for (int i = 0; i < shape.size(); i++) {
    if (shape[i] != -1) {
      known *= shape[i];
      continue;
    }
    LACUNA_CHECK(inferred < 0, "reshape", "only one size may be -1: got ", wanted);
    inferred = i;
  }
  if (inferred >= 0 && known > 0 && x.numel() % known == 0) shape[inferred] = x.numel() / known;
  LACUNA_CHECK(shape.numel() == x.numel() && (inferred < 0 || shape[inferred] >= 0), "reshape",
               "the number of elements must stay: got ", describe("x", x), " to ", wanted);
  if (shape == x.shape()) return x;
  const Tensor source = contiguous(x);
  return record("reshape", view(source, shape, shape.strides(), source.offset()), {source},
                Saved().with(source.shape()), reshape_backward,
                remakeable(source) ? remake_reshape : nullptr);
}

Tensor flatten(const Tensor& x, int first, int last) {
  check_defined("flatten", x);
  if (x.ndim() == 0) return reshape(x, {1});
  first = wrap_dim("flatten", first, x.ndim());
  last = wrap_dim("flatten", last, x.ndim());
  LACUNA_CHECK(first <= last, "flatten", "first must not come after last: got ", first, " and ",
               last);
  Shape shape;
  for (int i = 0; i < x.ndim(); i++) {
    if (i > first && i <= last)
      shape[shape.size() - 1] *= x.dim(i);
    else
      shape.push_back(x.dim(i));
  }
  return reshape(x, shape);
}

Tensor permute(const Tensor& x, const Shape& order) {
  check_defined("permute", x);
  LACUNA_CHECK(order.size() == x.ndim(), "permute", "needs one number a dimension: got ", order,
               " for ", describe("x", x));
  Shape wrapped = order, shape, strides;
  std::uint32_t seen = 0;
  for (int i = 0; i < order.size(); i++) {
    wrapped[i] = wrap_dim("permute", static_cast<int>(order[i]), x.ndim());
    seen |= 1u << wrapped[i];
    shape.push_back(x.shape()[static_cast<int>(wrapped[i])]);
    strides.push_back(x.strides()[static_cast<int>(wrapped[i])]);
  }
  LACUNA_CHECK(seen == (1u << x.ndim()) - 1, "permute", "each dimension must come once: got ",
               order);
  return record("permute", view(x, shape, strides, x.offset()), {x}, Saved().with(wrapped),
                permute_backward);
}

Tensor transpose(const Tensor& x, int a, int b) {
  check_defined("transpose", x);
  a = wrap_dim("transpose", a, x.ndim());
  b = wrap_dim("transpose", b, x.ndim());
  Shape order;
  for (int i = 0; i < x.ndim(); i++) order.push_back(i == a ? b : i == b ? a : i);
  return permute(x, order);
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  check_defined("broadcast_to", x);
  if (x.shape() == shape) return x;
  LACUNA_CHECK(broadcast("broadcast_to", x.shape(), shape) == shape, "broadcast_to",
               "x does not broadcast to ", shape, ": got ", describe("x", x));
  Shape strides;
  const int lead = shape.size() - x.ndim();
  for (int i = 0; i < shape.size(); i++)
    strides.push_back(i < lead || x.shape()[i - lead] != shape[i] ? 0 : x.strides()[i - lead]);
  return record("broadcast_to", view(x, shape, strides, x.offset()), {x}, Saved().with(x.shape()),
                broadcast_backward);
}

Tensor unsqueeze(const Tensor& x, int dim) {
  check_defined("unsqueeze", x);
  dim = wrap_dim("unsqueeze", dim, x.ndim() + 1);
  Shape shape, strides;
  for (int i = 0; i <= x.ndim(); i++) {
    if (i == dim) {
      shape.push_back(1);
      strides.push_back(i < x.ndim() ? x.shape()[i] * x.strides()[i] : 1);
    }
    if (i < x.ndim()) {
      shape.push_back(x.shape()[i]);
      strides.push_back(x.strides()[i]);
    }
  }
  return record("unsqueeze", view(x, shape, strides, x.offset()), {x}, Saved().with(x.shape()),
                reshape_backward);
}

Tensor squeeze(const Tensor& x, int dim) {
  check_defined("squeeze", x);
  dim = wrap_dim("squeeze", dim, x.ndim());
  LACUNA_CHECK(x.dim(dim) == 1, "squeeze", "the dimension must have size 1: got dimension ", dim,
               " of ", describe("x", x));
  Shape shape, strides;
  for (int i = 0; i < x.ndim(); i++) {
    if (i == dim) continue;
    shape.push_back(x.shape()[i]);
    strides.push_back(x.strides()[i]);
  }
  return record("squeeze", view(x, shape, strides, x.offset()), {x}, Saved().with(x.shape()),
                reshape_backward);
}

Tensor slice(const Tensor& x, int dim, std::int64_t begin, std::int64_t end, std::int64_t step) {
  check_defined("slice", x);
  dim = wrap_dim("slice", dim, x.ndim());
  const std::int64_t size = x.dim(dim);
  const std::int64_t from = begin < 0 ? begin + size : begin, until = end < 0 ? end + size : end;
  LACUNA_CHECK(0 <= from && from <= until && until <= size && step >= 1, "slice",
               "needs 0 <= begin <= end <= size and step >= 1: got begin ", begin, ", end ", end,
               ", step ", step, " of dimension ", dim, " of ", describe("x", x));
  Shape shape = x.shape(), strides = x.strides();
  shape[dim] = (until - from + step - 1) / step;
  strides[dim] *= step;
  return record("slice", view(x, shape, strides, x.offset() + from * x.strides()[dim]), {x},
                Saved().with(SliceOf{x.shape(), dim, from, until, step}), slice_backward);
}

Tensor select(const Tensor& x, int dim, std::int64_t index) {
  check_defined("select", x);
  dim = wrap_dim("select", dim, x.ndim());
  const std::int64_t size = x.dim(dim), i = index < 0 ? index + size : index;
  LACUNA_CHECK(i >= 0 && i < size, "select", "index ", index, " is out of range for dimension ",
               dim, " of ", describe("x", x));
  return squeeze(slice(x, dim, i, i + 1), dim);
}

}  // namespace lacuna
