#include "conv_reference.h"

#include "../../kernels/cpu/parallel.h"

namespace lacuna::bench {
namespace {

// Element e of each result.
double forward(const ConvShape& s, const DeviceArray& x, const DeviceArray& w, std::int64_t e) {
  double sum = 0;
  const std::int64_t o = e % s.co, j = e / s.co % s.ow(), i = e / s.co / s.ow() % s.oh(),
                     n = e / s.co / s.ow() / s.oh();
  for (std::int64_t p = 0; p < s.k; p++)
    for (std::int64_t q = 0; q < s.k; q++) {
      const std::int64_t h = i * s.stride + p - s.padding, v = j * s.stride + q - s.padding;
      if (h < 0 || h >= s.h || v < 0 || v >= s.w) continue;
      for (std::int64_t c = 0; c < s.ci; c++)
        sum +=
            x.at(((n * s.h + h) * s.w + v) * s.ci + c) * w.at(((o * s.k + p) * s.k + q) * s.ci + c);
    }
  return sum;
}
double grad_input(const ConvShape& s, const DeviceArray& w, const DeviceArray& y, std::int64_t e) {
  double sum = 0;
  const std::int64_t c = e % s.ci, v = e / s.ci % s.w, h = e / s.ci / s.w % s.h,
                     n = e / s.ci / s.w / s.h;
  for (std::int64_t p = 0; p < s.k; p++)
    for (std::int64_t q = 0; q < s.k; q++) {
      const std::int64_t a = h + s.padding - p, b = v + s.padding - q;
      if (a < 0 || b < 0 || a % s.stride || b % s.stride) continue;
      const std::int64_t i = a / s.stride, j = b / s.stride;
      if (i >= s.oh() || j >= s.ow()) continue;
      for (std::int64_t o = 0; o < s.co; o++)
        sum += y.at(((n * s.oh() + i) * s.ow() + j) * s.co + o) *
               w.at(((o * s.k + p) * s.k + q) * s.ci + c);
    }
  return sum;
}
double grad_weight(const ConvShape& s, const DeviceArray& x, const DeviceArray& y, std::int64_t e) {
  double sum = 0;
  const std::int64_t c = e % s.ci, q = e / s.ci % s.k, p = e / s.ci / s.k % s.k,
                     o = e / s.ci / s.k / s.k;
  for (std::int64_t n = 0; n < s.n; n++)
    for (std::int64_t i = 0; i < s.oh(); i++)
      for (std::int64_t j = 0; j < s.ow(); j++) {
        const std::int64_t h = i * s.stride + p - s.padding, v = j * s.stride + q - s.padding;
        if (h < 0 || h >= s.h || v < 0 || v >= s.w) continue;
        sum += y.at(((n * s.oh() + i) * s.ow() + j) * s.co + o) *
               x.at(((n * s.h + h) * s.w + v) * s.ci + c);
      }
  return sum;
}

}  // namespace

Place result_of(ConvKind kind) {
  return kind == ConvKind::forward ? kY : kind == ConvKind::grad_input ? kX : kWeightGradient;
}

Sampled conv_reference(ConvKind kind, const ConvShape& s, const DeviceArrays& a) {
  Sampled out;
  // A weight's gradient is a sum over all images.
  for (const std::int64_t e :
       places(a[result_of(kind)]->size(), kind == ConvKind::grad_weight ? 4 : 32))
    out.emplace_back(e, kind == ConvKind::forward      ? forward(s, *a[kX], *a[kWeight], e)
                        : kind == ConvKind::grad_input ? grad_input(s, *a[kWeight], *a[kY], e)
                                                       : grad_weight(s, *a[kX], *a[kY], e));
  return out;
}

std::pair<double, double> channel_moments(const ConvShape& s, const DeviceArrays& a) {
  const std::int64_t rows = s.n * s.oh() * s.ow();
  std::vector<double> y(static_cast<std::size_t>(rows));
  cpu::parallel_for(rows, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; row++)
      y[row] = static_cast<float>(
          bf16(static_cast<float>(forward(s, *a[kX], *a[kWeight], (row + 1) * s.co - 1))));
  });
  double sum = 0, squares = 0;
  for (const double v : y) sum += v;
  const double mean = sum / static_cast<double>(rows);
  for (const double v : y) squares += (v - mean) * (v - mean);
  return {mean, squares};
}

}  // namespace lacuna::bench
