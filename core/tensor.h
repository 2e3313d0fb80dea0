#pragma once
// The tensor: a value that shares storage. Copying one copies a handle; ops (core/ops.h) make new ones.
//
//   Tensor x = Tensor::of({1, 2, 3, 4}, {2, 2});       // f32 on cpu
//   Tensor w = randn(...).requires_grad();              // a leaf of the tape
//   backward(sum(x * w));  w.grad();                    // the tape: core/tape.h
//
// Images are (N, H, W, C) on every device. Broadcasting follows NumPy.
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "shape.h"
#include "storage.h"

namespace lacuna {

struct Node;

class Tensor {
 public:
  /// Undefined: stands for "not given". Everything but defined() and assignment fails on it.
  Tensor() = default;
  /// A view of storage; the constructor that ops use.
  Tensor(std::shared_ptr<Storage> storage, Shape shape, Shape strides, std::int64_t offset,
         Dtype dtype)
      : storage_(std::move(storage)),
        shape_(shape),
        strides_(strides),
        offset_(offset),
        dtype_(dtype) {}

  static Tensor empty(const Shape& shape, Dtype dtype = Dtype::f32, Device device = {});
  static Tensor zeros(const Shape& shape, Dtype dtype = Dtype::f32, Device device = {});
  static Tensor full(const Shape& shape, double value, Dtype dtype = Dtype::f32,
                     Device device = {});
  /// 0-d.
  static Tensor scalar(double value, Dtype dtype = Dtype::f32, Device device = {});
  /// 0, 1, ... n-1.
  static Tensor arange(std::int64_t n, Dtype dtype = Dtype::i64, Device device = {});
  /// A copy of host values in row-major order; the dtype is T's. Fails where their number is not shape.numel().
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape, Device device = {});
  /// f32 values.
  static Tensor of(std::initializer_list<float> values, const Shape& shape) {
    return from(std::vector<float>(values), shape);
  }

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  const Shape& strides() const { return strides_; }
  int ndim() const { return shape_.size(); }
  /// Size of dimension d; negative d counts from the back.
  std::int64_t dim(int d) const { return shape_[wrap_dim("dim", d, ndim())]; }
  std::int64_t numel() const { return shape_.numel(); }
  Dtype dtype() const { return dtype_; }
  Device device() const { return storage_->device(); }
  std::int64_t offset() const { return offset_; }
  const std::shared_ptr<Storage>& storage() const { return storage_; }
  bool is_contiguous() const;

  /// First element, on the host. T must match the dtype; cuda memory is refused.
  template <class T>
  T* data() const {
    check_host_access(dtype_of<T>);
    return static_cast<T*>(storage_->data()) + offset_;
  }
  /// The value of a tensor of one element, of any dtype, from any device.
  double item() const;
  /// All values in row-major order, converted to T, from any device and strides.
  template <class T>
  std::vector<T> to_vector() const;

  /// The argument of a kernel. An undefined tensor gives an absent array.
  Array array() const;

  /// A copy with its own storage; not on the tape.
  Tensor clone() const;
  /// The same storage, not on the tape.
  Tensor detach() const;
  /// Overwrites this tensor's values with those of `from` (same shape; dtype and device may differ). In place: bumps the
  /// version. Fails on a tensor that the tape computed, and on a leaf while gradients are recorded.
  void copy_from(const Tensor& from);
  void fill(double value);

  /// Makes this a leaf whose gradient backward() accumulates. Floating point only.
  Tensor& requires_grad(bool on = true);
  /// True for such leaves and for everything computed from one (while gradients are recorded).
  bool needs_grad() const { return node_ != nullptr; }
  /// Accumulated gradient of a leaf; undefined before the first backward.
  Tensor grad() const;
  void set_grad(Tensor grad);
  const std::shared_ptr<Node>& node() const { return node_; }
  void set_node(std::shared_ptr<Node> node) { node_ = std::move(node); }

 private:
  void check_host_access(Dtype wanted) const;
  void check_in_place(const char* op) const;

  std::shared_ptr<Storage> storage_;
  Shape shape_, strides_;
  std::int64_t offset_ = 0;
  Dtype dtype_ = Dtype::f32;
  std::shared_ptr<Node> node_;  // null: a constant
};

/// "x (8, 32, 32, 3) f32 cpu", for error texts.
std::string describe(const char* name, const Tensor& t);

namespace detail {
void copy_from_host(const Tensor& to, const void* values, std::size_t count);
/// f64 for floating point, i64 otherwise, packed; what to_vector converts from.
std::vector<double> values_f64(const Tensor& t);
std::vector<std::int64_t> values_i64(const Tensor& t);
}  // namespace detail

template <class T>
Tensor Tensor::from(const std::vector<T>& values, const Shape& shape, Device device) {
  Tensor t = empty(shape, dtype_of<T>, device);
  if constexpr (std::is_same_v<T, bool>) {
    const std::vector<std::uint8_t> bytes(values.begin(), values.end());
    detail::copy_from_host(t, bytes.data(), bytes.size());
  } else {
    detail::copy_from_host(t, values.data(), values.size());
  }
  return t;
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  if (is_floating(dtype_)) {
    const auto v = detail::values_f64(*this);
    return std::vector<T>(v.begin(), v.end());
  }
  const auto v = detail::values_i64(*this);
  return std::vector<T>(v.begin(), v.end());
}

}  // namespace lacuna
