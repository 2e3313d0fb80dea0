// Elementwise ops, generated from kernels/elementwise.def.
#include "elementwise.h"

#include "../../kernels/elementwise.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {
namespace {

struct UnaryAttributes {
  UnaryOp kind;
  double a, b;
};

Gradients unary_backward(Saved& saved, Tensor dy, Needs) {
  const auto& at = saved.attributes<UnaryAttributes>();
  dy = contiguous(dy);
  Tensor dx = reuse_or_empty(dy);
  run<&KernelTable::unary_backward>(
      UnaryBackward{at.kind, dx.array(), dy.array(), saved[0].array(), at.a, at.b}, dy.device());
  return {dx};
}

Tensor unary_forward(const UnaryAttributes& at, const Tensor& x) {
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  run<&KernelTable::unary_forward>(UnaryForward{at.kind, y.array(), x.array(), at.a, at.b},
                                   x.device());
  return y;
}

Tensor remake_unary(const Node& node) {
  return unary_forward(node.saved.attributes<UnaryAttributes>(), node.saved[0]);
}

Tensor unary(UnaryOp kind, const Tensor& input, double a = 0, double b = 0) {
  LACUNA_CHECK(input.defined(), name_of(kind), "the tensor is undefined");
  const Tensor x = contiguous(input);
  const UnaryAttributes at{kind, a, b};
  const Tensor y = unary_forward(at, x);
  return record(name_of(kind), y, {x}, Saved{saves_output(kind) ? y : x}.with(at), unary_backward,
                saves_output(kind) ? nullptr : remake_unary);
}

Gradients binary_backward(Saved& saved, Tensor dy, Needs needs) {
  const BinaryOp kind = saved.attributes<BinaryOp>();
  // Sums pass dy on as it is; nothing was saved.
  if (kind == BinaryOp::add) return {needs[0] ? dy : Tensor(), needs[1] ? dy : Tensor()};
  if (kind == BinaryOp::sub) return {needs[0] ? dy : Tensor(), needs[1] ? neg(dy) : Tensor()};
  dy = contiguous(dy);
  const Tensor a = broadcast_to(saved[0], dy.shape()), b = broadcast_to(saved[1], dy.shape());
  Tensor da, db;
  if (needs[0]) da = Tensor::empty(dy.shape(), dy.dtype(), dy.device());
  if (needs[1]) db = Tensor::empty(dy.shape(), dy.dtype(), dy.device());
  run<&KernelTable::binary_backward>(
      BinaryBackward{kind, da.array(), db.array(), dy.array(), a.array(), b.array()}, dy.device());
  return {da, db};
}

void check_pair(const char* op, const Tensor& a, const Tensor& b) {
  LACUNA_CHECK(a.defined() && b.defined(), op, "a tensor is undefined: got ", describe("a", a),
               ", ", describe("b", b));
  LACUNA_CHECK(a.dtype() == b.dtype(), op,
               "both must have one dtype (convert with to(x, dtype)): got ", describe("a", a), ", ",
               describe("b", b));
  LACUNA_CHECK(a.device() == b.device(), op, "both must be on one device: got ", describe("a", a),
               ", ", describe("b", b));
}

Tensor binary(BinaryOp kind, const Tensor& a, const Tensor& b) {
  const char* op = name_of(kind);
  check_pair(op, a, b);
  const Shape shape = broadcast(op, a.shape(), b.shape());
  Tensor y = Tensor::empty(shape, a.dtype(), a.device());
  {
    NoGrad guard;
    run<&KernelTable::binary_forward>(
        BinaryForward{kind, y.array(), broadcast_to(a.detach(), shape).array(),
                      broadcast_to(b.detach(), shape).array()},
        a.device());
  }
  const bool saves = kind != BinaryOp::add && kind != BinaryOp::sub;
  return record(op, y, {a, b}, (saves ? Saved{a, b} : Saved()).with(kind), binary_backward);
}

Tensor compare(CompareOp kind, const Tensor& a, const Tensor& b) {
  const char* op = name_of(kind);
  check_pair(op, a, b);
  const Shape shape = broadcast(op, a.shape(), b.shape());
  Tensor y = Tensor::empty(shape, Dtype::boolean, a.device());
  NoGrad guard;
  run<&KernelTable::compare>(Compare{kind, y.array(), broadcast_to(a.detach(), shape).array(),
                                     broadcast_to(b.detach(), shape).array()},
                             a.device());
  return y;
}

Gradients where_backward(Saved& saved, Tensor dy, Needs needs) {
  const Tensor condition = broadcast_to(saved[0], dy.shape());
  const Tensor zero = Tensor::scalar(0, dy.dtype(), dy.device());
  return {Tensor(), needs[1] ? where(condition, dy, zero) : Tensor(),
          needs[2] ? where(condition, zero, dy) : Tensor()};
}

}  // namespace

#define UNARY(name, ...) \
  Tensor name(const Tensor& x) { return unary(UnaryOp::name, x); }
#define UNARY_A(name, ...) \
  Tensor name(const Tensor& x, double a) { return unary(UnaryOp::name, x, a); }
#define UNARY_AB(name, ...) \
  Tensor name(const Tensor& x, double a, double b) { return unary(UnaryOp::name, x, a, b); }
#define BINARY(name, ...) \
  Tensor name(const Tensor& a, const Tensor& b) { return binary(BinaryOp::name, a, b); }
#define COMPARE(name, ...) \
  Tensor name(const Tensor& a, const Tensor& b) { return compare(CompareOp::name, a, b); }
#include "../../kernels/elementwise.def"

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  check_pair("where", a, b);
  LACUNA_CHECK(condition.defined(), "where", "the condition is undefined");
  const Shape shape =
      broadcast("where", condition.shape(), broadcast("where", a.shape(), b.shape()));
  Tensor y = Tensor::empty(shape, a.dtype(), a.device());
  {
    NoGrad guard;
    run<&KernelTable::where>(
        Where{y.array(), broadcast_to(condition.detach(), shape).array(),
              broadcast_to(a.detach(), shape).array(), broadcast_to(b.detach(), shape).array()},
        a.device());
  }
  return record("where", y, {condition, a, b}, Saved{condition}, where_backward);
}

}  // namespace lacuna
