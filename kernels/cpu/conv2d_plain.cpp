// Convolution by direct loops: the reference that the fast kernels are held against.
#include <vector>

#include "conv2d.h"
#include "epilogue.h"
#include "parallel.h"

namespace lacuna::cpu {
namespace {

template <class T>
void forward(const ConvSizes& s, const T* x, const T* weight, ConvEnd<T> end, T* y) {
  const std::int64_t ci = s.ci / s.groups, co = s.co / s.groups;
  const auto pixel = [&](std::int64_t n, std::int64_t i, std::int64_t j, T* out) {
    const T* const residual = end.residual ? end.residual + (out - y) : nullptr;
    for (std::int64_t o = 0; o < s.co; o++) {
      T sum = end.bias ? end.bias[o] : T{0};
      if (residual) sum += residual[o];
      for (std::int64_t p = 0; p < s.kh; p++) {
        const std::int64_t row =
            i * s.window.stride[0] + p * s.window.dilation[0] - s.window.padding[0];
        if (row < 0 || row >= s.h) continue;
        for (std::int64_t q = 0; q < s.kw; q++) {
          const std::int64_t column =
              j * s.window.stride[1] + q * s.window.dilation[1] - s.window.padding[1];
          if (column < 0 || column >= s.w) continue;
          const T* in = x + ((n * s.h + row) * s.w + column) * s.ci + o / co * ci;
          const T* k = weight + ((o * s.kh + p) * s.kw + q) * ci;
          for (std::int64_t c = 0; c < ci; c++) sum += in[c] * k[c];
        }
      }
      out[o] = apply(end.epilogue, sum);
    }
  };
  parallel_for(s.n * s.oh, 1, [&](std::int64_t begin, std::int64_t end_row) {
    for (std::int64_t r = begin; r < end_row; r++)
      for (std::int64_t j = 0; j < s.ow; j++)
        pixel(r / s.oh, r % s.oh, j, y + (r * s.ow + j) * s.co);
  });
}

// The output pixel that reads input pixel `at` through a tap, or -1.
std::int64_t output_of(std::int64_t at, std::int64_t tap, std::int64_t outputs, const Window2d& w,
                       int axis) {
  const std::int64_t from = at + w.padding[axis] - tap * w.dilation[axis];
  if (from < 0 || from % w.stride[axis] != 0) return -1;
  const std::int64_t i = from / w.stride[axis];
  return i < outputs ? i : -1;
}

template <class T>
void grad_input(const ConvSizes& s, const T* dy, const T* weight, ConvEnd<T> end, T* dx) {
  const std::int64_t ci = s.ci / s.groups, co = s.co / s.groups;
  const auto pixel = [&](std::int64_t n, std::int64_t row, std::int64_t column, T* out) {
    for (std::int64_t c = 0; c < s.ci; c++) out[c] = end.bias ? end.bias[c] : T{0};
    for (std::int64_t p = 0; p < s.kh; p++) {
      const std::int64_t i = output_of(row, p, s.oh, s.window, 0);
      if (i < 0) continue;
      for (std::int64_t q = 0; q < s.kw; q++) {
        const std::int64_t j = output_of(column, q, s.ow, s.window, 1);
        if (j < 0) continue;
        const T* g = dy + ((n * s.oh + i) * s.ow + j) * s.co;
        for (std::int64_t o = 0; o < s.co; o++) {
          const T* k = weight + ((o * s.kh + p) * s.kw + q) * ci;
          T* to = out + o / co * ci;
          for (std::int64_t c = 0; c < ci; c++) to[c] += g[o] * k[c];
        }
      }
    }
    for (std::int64_t c = 0; c < s.ci; c++) out[c] = apply(end.epilogue, out[c]);
  };
  parallel_for(s.n * s.h, 1, [&](std::int64_t begin, std::int64_t end_row) {
    for (std::int64_t r = begin; r < end_row; r++)
      for (std::int64_t j = 0; j < s.w; j++) pixel(r / s.h, r % s.h, j, dx + (r * s.w + j) * s.ci);
  });
}

template <class T>
void grad_weight(const ConvSizes& s, const T* dy, const T* x, T* dweight) {
  const std::int64_t ci = s.ci / s.groups, co = s.co / s.groups;
  const auto tap = [&](std::int64_t o, std::int64_t p, std::int64_t q, T* out) {
    for (std::int64_t c = 0; c < ci; c++) out[c] = 0;
    for (std::int64_t n = 0; n < s.n; n++)
      for (std::int64_t i = 0; i < s.oh; i++) {
        const std::int64_t row =
            i * s.window.stride[0] + p * s.window.dilation[0] - s.window.padding[0];
        if (row < 0 || row >= s.h) continue;
        for (std::int64_t j = 0; j < s.ow; j++) {
          const std::int64_t column =
              j * s.window.stride[1] + q * s.window.dilation[1] - s.window.padding[1];
          if (column < 0 || column >= s.w) continue;
          const T g = dy[((n * s.oh + i) * s.ow + j) * s.co + o];
          const T* in = x + ((n * s.h + row) * s.w + column) * s.ci + o / co * ci;
          for (std::int64_t c = 0; c < ci; c++) out[c] += g * in[c];
        }
      }
  };
  parallel_for(s.co * s.kh * s.kw, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; r++)
      tap(r / (s.kh * s.kw), r / s.kw % s.kh, r % s.kw, dweight + r * ci);
  });
}

template <class T>
void sum_columns(const T* x, std::int64_t rows, std::int64_t columns, T* sums) {
  for (std::int64_t c = 0; c < columns; c++) sums[c] = 0;
  for (std::int64_t r = 0; r < rows; r++)
    for (std::int64_t c = 0; c < columns; c++) sums[c] += x[r * columns + c];
}

}  // namespace

void conv_forward(const ConvSizes& s, const double* x, const double* weight, ConvEnd<double> end,
                  double* y) {
  forward(s, x, weight, end, y);
}
void conv_grad_input(const ConvSizes& s, const double* dy, const double* weight,
                     ConvEnd<double> end, double* dx) {
  grad_input(s, dy, weight, end, dx);
}
void conv_grad_weight(const ConvSizes& s, const double* dy, const double* x, double* dweight) {
  grad_weight(s, dy, x, dweight);
}
void column_sums(const double* x, std::int64_t rows, std::int64_t columns, double* sums) {
  sum_columns(x, rows, columns, sums);
}

}  // namespace lacuna::cpu
