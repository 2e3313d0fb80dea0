#include "elementwise.h"

namespace lacuna {

const char* name_of(UnaryOp kind) {
  static const char* const names[] = {
#define UNARY(name, ...) #name,
#include "elementwise.def"
  };
  return names[static_cast<int>(kind)];
}

bool saves_output(UnaryOp kind) {
  switch (kind) {
#define UNARY(name, ...) \
  case UnaryOp::name:    \
    return false;
#define UNARY_Y(name, ...) \
  case UnaryOp::name:      \
    return true;
#include "elementwise.def"
  }
  return false;
}

const char* name_of(BinaryOp kind) {
  static const char* const names[] = {
#define BINARY(name, ...) #name,
#include "elementwise.def"
  };
  return names[static_cast<int>(kind)];
}

bool takes_integers(BinaryOp kind) {
  switch (kind) {
#define BINARY(name, ...) \
  case BinaryOp::name:    \
    return false;
#define BINARY_ANY(name, ...) \
  case BinaryOp::name:        \
    return true;
#include "elementwise.def"
  }
  return false;
}

const char* name_of(CompareOp kind) {
  static const char* const names[] = {
#define COMPARE(name, ...) #name,
#include "elementwise.def"
  };
  return names[static_cast<int>(kind)];
}

void validate(const UnaryForward& a) {
  check_float_arrays(name_of(a.kind), {{"x", a.x}, {"y", a.y}});
  check_same_shape(name_of(a.kind), {{"x", a.x}, {"y", a.y}});
}

void validate(const UnaryBackward& a) {
  check_float_arrays(name_of(a.kind), {{"saved", a.saved}, {"dy", a.dy}, {"dx", a.dx}});
  check_same_shape(name_of(a.kind), {{"saved", a.saved}, {"dy", a.dy}, {"dx", a.dx}});
}

void validate(const BinaryForward& a) {
  const char* op = name_of(a.kind);
  check_same_device(op, {{"a", a.a}, {"b", a.b}, {"y", a.y}});
  check_same_dtype(op, {{"a", a.a}, {"b", a.b}, {"y", a.y}});
  check_same_shape(op, {{"a", a.a}, {"b", a.b}, {"y", a.y}});
  check_contiguous(op, {{"y", a.y}});
  if (is_floating(a.a.dtype)) return check_float_dtype(op, {{"a", a.a}, {"b", a.b}});
  LACUNA_CHECK(takes_integers(a.kind) && a.a.dtype != Dtype::boolean, op,
               "does not take this dtype: got ", describe("a", a.a), ", ", describe("b", a.b));
}

void validate(const BinaryBackward& a) {
  const char* op = name_of(a.kind);
  check_float_arrays(op, {{"dy", a.dy}, {"da", a.da}, {"db", a.db}});
  check_same_device(op, {{"dy", a.dy}, {"a", a.a}, {"b", a.b}});
  check_same_dtype(op, {{"dy", a.dy}, {"a", a.a}, {"b", a.b}});
  check_same_shape(op, {{"dy", a.dy}, {"a", a.a}, {"b", a.b}, {"da", a.da}, {"db", a.db}});
}

void validate(const Compare& a) {
  const char* op = name_of(a.kind);
  check_same_device(op, {{"a", a.a}, {"b", a.b}, {"y", a.y}});
  check_same_dtype(op, {{"a", a.a}, {"b", a.b}});
  check_same_shape(op, {{"a", a.a}, {"b", a.b}, {"y", a.y}});
  check_contiguous(op, {{"y", a.y}});
  LACUNA_CHECK(a.y.dtype == Dtype::boolean, op, "gives bool: got ", describe("y", a.y));
}

void validate(const Where& a) {
  check_same_device(a.op, {{"condition", a.condition}, {"a", a.a}, {"b", a.b}, {"y", a.y}});
  check_same_dtype(a.op, {{"a", a.a}, {"b", a.b}, {"y", a.y}});
  check_same_shape(a.op, {{"condition", a.condition}, {"a", a.a}, {"b", a.b}, {"y", a.y}});
  check_contiguous(a.op, {{"y", a.y}});
  LACUNA_CHECK(a.condition.dtype == Dtype::boolean, a.op, "the condition must be bool: got ",
               describe("condition", a.condition));
}

}  // namespace lacuna
