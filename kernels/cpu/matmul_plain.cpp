// The matrix product by plain loops: the reference.
#include <algorithm>

#include "epilogue.h"
#include "matmul.h"

namespace lacuna::cpu {
namespace {

template <class T>
void rows(const Product<T>& p, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t kBlock = 64;  // rows of b that stay in cache while the rows of a pass
  for (std::int64_t i = begin; i < end; i++) {
    T* c = p.c + i * p.c_row;
    if (!p.accumulate) std::fill(c, c + p.n, T{0});
  }
  for (std::int64_t from = 0; from < p.k; from += kBlock) {
    const std::int64_t to = std::min(from + kBlock, p.k);
    for (std::int64_t i = begin; i < end; i++) {
      const T* a = p.a + i * p.a_row;
      T* c = p.c + i * p.c_row;
      if (p.b_column == 1) {
        for (std::int64_t k = from; k < to; k++) {
          const T v = a[k * p.a_column];
          const T* b = p.b + k * p.b_row;
          for (std::int64_t j = 0; j < p.n; j++) c[j] += v * b[j];
        }
      } else {
        for (std::int64_t j = 0; j < p.n; j++) {
          const T* b = p.b + j * p.b_column;
          T sum = 0;
          for (std::int64_t k = from; k < to; k++) sum += a[k * p.a_column] * b[k * p.b_row];
          c[j] += sum;
        }
      }
    }
  }
  for (std::int64_t i = begin; i < end; i++) {
    T* c = p.c + i * p.c_row;
    for (std::int64_t j = 0; j < p.n; j++)
      c[j] = apply(p.epilogue, c[j] + (p.bias ? p.bias[j] : T{0}));
  }
}

}  // namespace

void product_rows(const Product<double>& p, std::int64_t begin, std::int64_t end) {
  rows(p, begin, end);
}
void product_rows(const Product<float>& p, std::int64_t begin, std::int64_t end) {
  rows(p, begin, end);
}

}  // namespace lacuna::cpu
