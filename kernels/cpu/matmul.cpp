// Matrix products on cpu: the table's entry and the loop over the batch.
#include "../matmul.h"

#include <algorithm>

#include "matmul.h"
#include "parallel.h"

namespace lacuna::cpu {
namespace {

// Where the matrix number `batch` starts, in elements.
std::int64_t offset(const Array& a, std::int64_t batch) {
  std::int64_t at = 0;
  for (int i = a.ndim - 3; i >= 0; i--) {
    at += batch % a.shape[i] * a.strides[i];
    batch /= a.shape[i];
  }
  return at;
}

template <class T>
Product<T> product(const Matmul& a, std::int64_t batch) {
  const int row = a.c.ndim - 2, column = a.c.ndim - 1;
  Product<T> p;
  p.m = a.c.shape[row];
  p.n = a.c.shape[column];
  p.k = a.a.shape[column];
  p.a = a.a.as<T>() + offset(a.a, batch);
  p.a_row = a.a.strides[row];
  p.a_column = a.a.strides[column];
  p.b = a.b.as<T>() + offset(a.b, batch);
  p.b_row = a.b.strides[row];
  p.b_column = a.b.strides[column];
  p.c = a.c.as<T>() + offset(a.c, batch);
  p.c_row = a.c.strides[row];
  p.bias = a.bias.as<T>();
  p.epilogue = a.epilogue;
  if (a.residual) p.residual = a.residual.as<T>() + offset(a.c, batch);
  // The stride of a dimension with one element means nothing.
  if (p.k <= 1) p.a_column = 1;
  if (p.n <= 1) p.b_column = 1;
  if (p.k == 0) p.a_row = p.b_column = 0;
  return p;
}

void plain(const Matmul& a, std::int64_t batch) {
  constexpr std::int64_t kRows = 16;
  const std::int64_t m = a.c.dim(-2), pieces = (m + kRows - 1) / kRows;
  parallel_for(batch * pieces, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; r++) {
      const std::int64_t row = r % pieces * kRows;
      product_rows(product<double>(a, r / pieces), row, std::min(row + kRows, m));
    }
  });
}

// A batch that repeats b is one product with more rows, where a and c lie row after row.
Matmul flattened(Matmul a) {
  while (a.c.ndim > 2) {
    const int i = a.c.ndim - 3, row = i + 1;
    const std::int64_t m = a.c.shape[row];
    if (a.c.shape[i] > 1 && (a.b.strides[i] != 0 || a.a.strides[i] != m * a.a.strides[row] ||
                             a.c.strides[i] != m * a.c.strides[row]))
      break;
    for (Array* x : {&a.a, &a.c}) {
      x->shape[i] *= m;
      if (m > 1) x->strides[i] = x->strides[row];
    }
    a.b.shape[i] = a.b.shape[row];
    a.b.strides[i] = a.b.strides[row];
    for (Array* x : {&a.a, &a.b, &a.c}) {
      x->shape[row] = x->shape[row + 1];
      x->strides[row] = x->strides[row + 1];
      x->ndim--;
    }
  }
  return a;
}

}  // namespace

void matmul(const Matmul& given, Stream) {
  if (given.c.size() == 0) return;
  const Matmul a = flattened(given);
  std::int64_t batch = 1;
  for (int i = 0; i < a.c.ndim - 2; i++) batch *= a.c.shape[i];
  if (a.c.dtype == Dtype::f64)
    plain(a, batch);
  else
    multiply(batch, product<float>(a, 0), [&](std::int64_t i) { return product<float>(a, i); });
}

}  // namespace lacuna::cpu
