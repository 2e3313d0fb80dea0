#pragma once
// One matrix product on cpu, as the batch loop and the other kernels that need one see it.
#include <cstdint>
#include <functional>

#include "../epilogue.h"

namespace lacuna::cpu {

/// c[i, j] = epilogue(sum over k of a[i, k] b[k, j] + residual[i, j] + bias[j]); strides in elements.
/// One of a's strides is 1 and one of b's (where the dimension has more than one element); c's rows are contiguous.
template <class T>
struct Product {
  std::int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  std::int64_t a_row = 0, a_column = 1;
  const T* b = nullptr;
  std::int64_t b_row = 0, b_column = 1;
  T* c = nullptr;
  std::int64_t c_row = 0;
  const T* bias = nullptr;
  Epilogue epilogue = Epilogue::none;
  const T* residual = nullptr;  // strides of c; may be c
};

/// Rows [begin, end) of the product, by plain loops in the calling thread.
void product_rows(const Product<double>&, std::int64_t begin, std::int64_t end);

/// `batch` products of the sizes and strides of `first`, on all threads.
void multiply(std::int64_t batch, const Product<float>& first,
              const std::function<Product<float>(std::int64_t)>& product);

}  // namespace lacuna::cpu
