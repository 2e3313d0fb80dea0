#pragma once
// Matrix product:  c = epilogue(a b + residual + bias), in two or more dimensions.
// Transposed operands are expressed through strides: a linear layer y = x w^T + bias, with w (out, in), passes as b
// the array of shape (in, out) and strides (1, in); its weight gradient dw = dy^T x passes as a the array of
// shape (out, rows) and strides (1, out). a and b are of one type; c and bias, too, or f32 beside bf16.
#include "array.h"
#include "epilogue.h"

namespace lacuna {

struct Matmul {
  static constexpr const char* op = "matmul";
  Array
      c;  // out, (batch..., m, n); unit stride in n, any strides >= 0 elsewhere, no element twice; not a or b
  Array a;     // (batch..., m, k); unit stride in m or k; a batch stride of 0 repeats the matrix
  Array b;     // (batch..., k, n); unit stride in k or n; a batch stride of 0 repeats the matrix
  Array bias;  // optional, (n), contiguous: added to every row
  Epilogue epilogue = Epilogue::none;
  Array residual =
      {};  // optional, shape and strides of c; c itself, where its old values are to be added
};
// Where m, n or the batch is 0 nothing is written. Where k is 0 the product is 0, and the rest of the formula holds.

void validate(const Matmul&);

}  // namespace lacuna
