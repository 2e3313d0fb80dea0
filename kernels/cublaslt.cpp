#include "cublaslt.h"

#include <atomic>
#include <utility>

namespace lacuna::cublaslt {
namespace {

std::atomic<bool> wanted{false};

// Rows of ours that lie one behind the other are columns of theirs.
bool matrix_of(const Array& a, Matrix& m) {
  const std::int64_t rows = a.dim(-2), columns = a.dim(-1);
  const std::int64_t down = a.strides[a.ndim - 2], across = a.strides[a.ndim - 1];
  if (across == 1 || columns <= 1)
    m = {columns, rows, rows > 1 ? down : columns, 0, false};
  else
    m = {rows, columns, columns > 1 ? across : rows, 0, true};
  return m.leading >= m.rows;
}

// The batch's dimensions as one, of equal steps.
bool batch_of(const Array& a, std::int64_t& count, std::int64_t& step) {
  count = 1;
  step = 0;
  for (int d = a.ndim - 3; d >= 0; d--) {
    if (a.shape[d] == 1) continue;
    if (count == 1)
      step = a.strides[d];
    else if (a.strides[d] != step * count)
      return false;
    count *= a.shape[d];
  }
  return true;
}

}  // namespace

void use(bool on) {
  LACUNA_CHECK(!on || linked(), "cublaslt",
               "cuBLASLt is not in this build: configure it with -DLACUNA_CUBLASLT=ON");
  wanted = on;
}
bool used() { return wanted; }

bool describe(const Matmul& p, Product& product) {
  const bool relu_or_none = p.epilogue == Epilogue::none || p.epilogue == Epilogue::relu;
  if (!relu_or_none || p.c.size() == 0 || p.a.dim(-1) == 0) return false;
  const std::pair<const Array*, Matrix*> operands[] = {
      {&p.b, &product.first}, {&p.a, &product.second}, {&p.c, &product.out}};
  for (const auto& [array, matrix] : operands)
    if (!matrix_of(*array, *matrix) || !batch_of(*array, product.batch, matrix->step)) return false;
  return !product.out.transposed;
}

}  // namespace lacuna::cublaslt
