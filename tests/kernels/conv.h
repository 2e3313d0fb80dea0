#pragma once
// Convolution by the letter of its formula, for one element at a time.
#include <lacuna/kernels/epilogue.h>
#include <lacuna/kernels/window.h>

#include <ostream>

#include "support.h"

namespace lacuna::test {

struct ConvCase {
  std::int64_t n = 1, h = 1, w = 1, ci = 1, co = 1, kh = 1, kw = 1;
  Window2d window;
  std::int64_t groups = 1;
  bool bias = true, residual = false;
  Epilogue epilogue = Epilogue::none;

  std::int64_t oh() const { return window.output(h, kh, 0); }
  std::int64_t ow() const { return window.output(w, kw, 1); }
  Shape x_shape() const { return {n, h, w, ci}; }
  Shape y_shape() const { return {n, oh(), ow(), co}; }
  Shape weight_shape() const { return {co, kh, kw, ci / groups}; }
};

inline std::ostream& operator<<(std::ostream& out, const ConvCase& c) {
  return out << "x (" << c.n << ", " << c.h << ", " << c.w << ", " << c.ci << ") out " << c.co
             << " kernel " << c.kh << "x" << c.kw << " stride " << c.window.stride[0] << ","
             << c.window.stride[1] << " padding " << c.window.padding[0] << ","
             << c.window.padding[1] << " dilation " << c.window.dilation[0] << ","
             << c.window.dilation[1] << " groups " << c.groups << (c.bias ? " bias" : "")
             << (c.residual ? " residual" : "") << " epilogue " << static_cast<int>(c.epilogue);
}

inline double epilogue(Epilogue e, double v) {
  if (e == Epilogue::relu) return v > 0 ? v : 0;
  if (e == Epilogue::sigmoid) return 1 / (1 + std::exp(-v));
  if (e == Epilogue::tanh) return std::tanh(v);
  return v;
}

/// Every product of the convolution, visited once: it adds to y, and by the product rule to both gradients.
inline void brute_force(const ConvCase& s, const Buffer<double>& x, const Buffer<double>& weight,
                        const Buffer<double>& bias, const Buffer<double>& dy, Buffer<double>& y,
                        Buffer<double>& dx, Buffer<double>& dw, Buffer<double>& db,
                        const double* residual = nullptr) {
  for (Buffer<double>* b : {&dx, &dw, &db})
    for (std::int64_t i = 0; i < b->size(); i++) (*b)[i] = 0;
  const std::int64_t oh = s.oh(), ow = s.ow(), each = s.ci / s.groups;
  for (std::int64_t at = 0; at < y.size(); at++) {
    const std::int64_t o = at % s.co, j = at / s.co % ow, i = at / s.co / ow % oh,
                       n = at / s.co / ow / oh;
    double sum = (s.bias ? bias[o] : 0) + (residual ? residual[at] : 0);
    db[o] += dy[at];
    for (std::int64_t p = 0; p < s.kh; p++)
      for (std::int64_t q = 0; q < s.kw; q++)
        for (std::int64_t c = 0; c < each; c++) {
          const std::int64_t row =
              i * s.window.stride[0] + p * s.window.dilation[0] - s.window.padding[0];
          const std::int64_t column =
              j * s.window.stride[1] + q * s.window.dilation[1] - s.window.padding[1];
          if (row < 0 || row >= s.h || column < 0 || column >= s.w) continue;
          const std::int64_t group = o / (s.co / s.groups);
          const std::int64_t from = ((n * s.h + row) * s.w + column) * s.ci + group * each + c;
          const std::int64_t k = ((o * s.kh + p) * s.kw + q) * each + c;
          sum += x[from] * weight[k];
          dx[from] += dy[at] * weight[k];
          dw[k] += dy[at] * x[from];
        }
    y[at] = epilogue(s.epilogue, sum);
  }
}

}  // namespace lacuna::test
