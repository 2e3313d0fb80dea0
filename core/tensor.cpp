#include "tensor.h"

#include <cstring>

#include "../kernels/copy.h"
#include "ops/shape.h"
#include "tape.h"

namespace lacuna {

Tensor Tensor::empty(const Shape& shape, Dtype dtype, Device device) {
  for (auto d : shape) LACUNA_CHECK(d >= 0, "empty", "sizes must not be negative: got ", shape);
  auto storage = std::make_shared<Storage>(shape.numel() * size_of(dtype), device);
  return Tensor(std::move(storage), shape, shape.strides(), 0, dtype);
}

Tensor Tensor::zeros(const Shape& shape, Dtype dtype, Device device) {
  Tensor t = empty(shape, dtype, device);
  find_backend(device.type)->memory.fill_zero(t.storage_->data(), t.storage_->bytes(), {});
  return t;
}

Tensor Tensor::full(const Shape& shape, double value, Dtype dtype, Device device) {
  Tensor t = empty(shape, dtype, device);
  run<&KernelTable::fill>(Fill{t.array(), value}, device);
  return t;
}

Tensor Tensor::scalar(double value, Dtype dtype, Device device) {
  return full({}, value, dtype, device);
}

Tensor Tensor::arange(std::int64_t n, Dtype dtype, Device device) {
  LACUNA_CHECK(n >= 0, "arange", "must count at least 0: got ", n);
  std::vector<std::int64_t> v(n);
  for (std::int64_t i = 0; i < n; i++) v[i] = i;
  return to(to(from(v, {n}), dtype), device);
}

bool Tensor::is_contiguous() const { return array().contiguous(); }

Array Tensor::array() const {
  Array a;
  if (!defined()) return a;
  a.data = static_cast<char*>(storage_->data()) + offset_ * size_of(dtype_);
  a.ndim = static_cast<std::int8_t>(ndim());
  a.dtype = dtype_;
  a.device = device();
  for (int i = 0; i < ndim(); i++) {
    a.shape[i] = shape_[i];
    a.strides[i] = strides_[i];
  }
  return a;
}

std::string describe(const char* name, const Tensor& t) {
  return t.defined() ? describe(name, t.array()) : std::string(name) + " undefined";
}

void Tensor::check_host_access(Dtype wanted) const {
  LACUNA_CHECK(defined(), "data", "the tensor is undefined");
  LACUNA_CHECK(dtype_ == wanted, "data", "asked for ", name_of(wanted), ": got ",
               describe("tensor", *this));
  LACUNA_CHECK(device().type != DeviceType::cuda, "data",
               "cuda memory cannot be read here, use to(x, Device{}): got ",
               describe("tensor", *this));
}

namespace {
// Packed values on the host, of dtype T, from anywhere.
template <class T>
std::vector<T> packed(const Tensor& t) {
  NoGrad guard;
  const Tensor host = to(contiguous(t.detach()), Device{});
  const Tensor cast = contiguous(to(host, dtype_of<T>));
  const T* p = cast.data<T>();
  return std::vector<T>(p, p + cast.numel());
}
}  // namespace

namespace detail {
std::vector<double> values_f64(const Tensor& t) { return packed<double>(t); }
std::vector<std::int64_t> values_i64(const Tensor& t) { return packed<std::int64_t>(t); }

void copy_from_host(const Tensor& to, const void* values, std::size_t count) {
  LACUNA_CHECK(static_cast<std::int64_t>(count) == to.numel(), "from",
               "needs as many values as the shape has: got ", count, " values for ", to.shape());
  find_backend(to.device().type)->memory.copy(to.array().data, values, count * size_of(to.dtype()));
}
}  // namespace detail

double Tensor::item() const {
  LACUNA_CHECK(defined() && numel() == 1, "item", "needs exactly one element: got ",
               describe("tensor", *this));
  return packed<double>(*this)[0];
}

Tensor Tensor::clone() const {
  Tensor out = empty(shape_, dtype_, device());
  out.copy_from(*this);
  return out;
}

Tensor Tensor::detach() const { return Tensor(storage_, shape_, strides_, offset_, dtype_); }

void Tensor::check_in_place(const char* op) const {
  LACUNA_CHECK(defined(), op, "the tensor is undefined");
  LACUNA_CHECK(!node_ || !node_->backward, op,
               "a tensor that the tape computed cannot be changed in place: got ",
               describe("tensor", *this), " made by ", node_->op);
  LACUNA_CHECK(!node_ || !grad_enabled(), op,
               "a leaf cannot be changed in place while gradients are recorded (use NoGrad): got ",
               describe("tensor", *this));
}

void Tensor::copy_from(const Tensor& from) {
  check_in_place("copy_from");
  LACUNA_CHECK(from.defined() && from.shape() == shape_, "copy_from", "needs the same shape: got ",
               describe("to", *this), ", ", describe("from", from));
  storage_->bump_version();
  NoGrad guard;
  const Tensor source = to(to(from.detach(), dtype_), device());
  if (is_contiguous() && source.is_contiguous())
    find_backend(device().type)
        ->memory.copy_within(array().data, source.array().data, numel() * size_of(dtype_), {});
  else
    run<&KernelTable::copy>(Copy{array(), source.array()}, device());
}

void Tensor::fill(double value) {
  check_in_place("fill");
  storage_->bump_version();
  run<&KernelTable::fill>(Fill{array(), value}, device());
}

Tensor& Tensor::requires_grad(bool on) {
  LACUNA_CHECK(defined() && is_floating(dtype_), "requires_grad",
               "needs a floating-point tensor: got ", describe("tensor", *this));
  LACUNA_CHECK(!node_ || !node_->backward, "requires_grad",
               "only leaves can be marked, this was made by ", node_->op);
  if (!on)
    node_ = nullptr;
  else if (!node_) {
    node_ = std::make_shared<Node>();
    node_->shape = shape_;
    node_->dtype = dtype_;
    node_->device = device();
  }
  return *this;
}

Tensor Tensor::grad() const { return node_ ? node_->grad : Tensor(); }

void Tensor::set_grad(Tensor grad) {
  LACUNA_CHECK(node_ && !node_->backward, "set_grad",
               "only a leaf that requires a gradient has one: got ", describe("tensor", *this));
  LACUNA_CHECK(!grad.defined() ||
                   (grad.shape() == shape_ && grad.dtype() == dtype_ && grad.device() == device()),
               "set_grad", "must match its tensor: got ", describe("tensor", *this), ", ",
               describe("grad", grad));
  node_->grad = std::move(grad);
}

}  // namespace lacuna
