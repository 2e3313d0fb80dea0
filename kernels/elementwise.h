#pragma once
// Elementwise ops. The formulas are in elementwise.def; every backend turns them into kernels.
#include "array.h"

namespace lacuna {

enum class UnaryOp : std::uint8_t {
#define UNARY(name, ...) name,
#include "elementwise.def"
};

enum class BinaryOp : std::uint8_t {
#define BINARY(name, ...) name,
#include "elementwise.def"
};

enum class CompareOp : std::uint8_t {
#define COMPARE(name, ...) name,
#include "elementwise.def"
};

const char* name_of(UnaryOp);
const char* name_of(BinaryOp);
const char* name_of(CompareOp);
/// True where the gradient is a function of the output: that is what backward is given.
bool saves_output(UnaryOp);
/// True where the op takes integers as well.
bool takes_integers(BinaryOp);

struct UnaryForward {
  static constexpr const char* op = "unary";
  UnaryOp kind;
  Array y;  // out, contiguous; may be x
  Array x;  // contiguous, floating point
  double a = 0, b = 0;
};

/// dx = dy * gradient
struct UnaryBackward {
  static constexpr const char* op = "unary";
  UnaryOp kind;
  Array dx;     // out, contiguous; may be dy
  Array dy;     // contiguous
  Array saved;  // x, or y where saves_output(kind)
  double a = 0, b = 0;
};

/// Arrays of one shape: operands that broadcast come with stride 0.
struct BinaryForward {
  static constexpr const char* op = "binary";
  BinaryOp kind;
  Array y;  // out, contiguous; may be a
  Array a, b;
};

/// Gradients of the broadcast shape; an absent one is not wanted.
struct BinaryBackward {
  static constexpr const char* op = "binary";
  BinaryOp kind;
  Array da, db;  // out, contiguous; each may be dy where only one is wanted
  Array dy;      // contiguous
  Array a, b;
};

struct Compare {
  static constexpr const char* op = "compare";
  CompareOp kind;
  Array y;     // out, bool, contiguous
  Array a, b;  // any one dtype; stride 0 broadcasts
};

/// y = condition ? a : b
struct Where {
  static constexpr const char* op = "where";
  Array y;          // out, contiguous
  Array condition;  // bool
  Array a, b;       // y's dtype; any strides
};

void validate(const UnaryForward&);
void validate(const UnaryBackward&);
void validate(const BinaryForward&);
void validate(const BinaryBackward&);
void validate(const Compare&);
void validate(const Where&);

}  // namespace lacuna
