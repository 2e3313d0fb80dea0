#pragma once
// cuBLASLt behind the matrix products of cuda, where this build has it (CMake: -DLACUNA_CUBLASLT=ON) and it is asked for.
// The library thinks in column-major matrices: for it our c (m, n) is C (n, m) = B A, and its first operand is our b.
#include "matmul.h"

namespace lacuna::cublaslt {

/// Whether this build has it.
bool linked();
/// One setting for the process, off at first. An Error where it is not in this build.
void use(bool on);
bool used();

/// A product in the library's words. A matrix has `rows` x `columns` elements, `leading` apart from column to column, and
/// `step` from one product of the batch to the next; a transposed one is used the other way round.
struct Matrix {
  std::int64_t rows, columns, leading, step;
  bool transposed;
};
struct Product {
  Matrix first, second, out;  // our b, a and c
  std::int64_t batch;
};
/// False where the library has no word for it: batches that are not one regular row, or an epilogue but ReLU.
bool describe(const Matmul& p, Product& product);

/// The product by the library's first choice for its shape, which is asked for once; cuda only. False, with nothing
/// launched, where it has none.
bool matmul(const Matmul& p, Stream stream);

}  // namespace lacuna::cublaslt
