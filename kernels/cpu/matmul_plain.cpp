// The matrix product by plain loops: the reference.
#include <algorithm>

#include "epilogue.h"
#include "matmul.h"

namespace lacuna::cpu {

void product_rows(const Product<double>& p, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t kBlock = 64;  // rows of b that stay in cache while the rows of a pass
  for (std::int64_t i = begin; i < end; i++) {
    double* c = p.c + i * p.c_row;
    if (!p.residual)
      std::fill(c, c + p.n, 0.0);
    else if (p.residual != p.c)
      std::copy_n(p.residual + i * p.c_row, p.n, c);
  }
  for (std::int64_t from = 0; from < p.k; from += kBlock) {
    const std::int64_t to = std::min(from + kBlock, p.k);
    for (std::int64_t i = begin; i < end; i++) {
      const double* a = p.a + i * p.a_row;
      double* c = p.c + i * p.c_row;
      if (p.b_column == 1) {
        for (std::int64_t k = from; k < to; k++) {
          const double v = a[k * p.a_column];
          const double* b = p.b + k * p.b_row;
          for (std::int64_t j = 0; j < p.n; j++) c[j] += v * b[j];
        }
      } else {
        for (std::int64_t j = 0; j < p.n; j++) {
          const double* b = p.b + j * p.b_column;
          double sum = 0;
          for (std::int64_t k = from; k < to; k++) sum += a[k * p.a_column] * b[k * p.b_row];
          c[j] += sum;
        }
      }
    }
  }
  for (std::int64_t i = begin; i < end; i++) {
    double* c = p.c + i * p.c_row;
    for (std::int64_t j = 0; j < p.n; j++)
      c[j] = apply(p.epilogue, c[j] + (p.bias ? p.bias[j] : 0.0));
  }
}

}  // namespace lacuna::cpu
