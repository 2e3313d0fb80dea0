// Pooling on cpu: the table's entries, and f64 by plain loops, window by window.
#include "pool2d.h"

#include <limits>
#include <vector>

#include "parallel.h"

namespace lacuna::cpu {
namespace {

using std::int64_t;

// Calls f(offset of the pixel in the image, its number) for every tap inside the image, in row-major order.
template <class F>
void each_tap(const PoolTaps& rows, const PoolTaps& columns, int64_t width, int64_t c,
              const Window2d& w, F&& f) {
  for (int64_t p = 0; p < rows.count(); p++)
    for (int64_t q = 0; q < columns.count(); q++) {
      const int64_t pixel = (rows.at + p * w.dilation[0]) * width + columns.at + q * w.dilation[1];
      f(pixel * c, static_cast<std::int32_t>(pixel));
    }
}

void forward_pixel(const Pool2dForward& a, int64_t n, int64_t i, int64_t j) {
  const int64_t h = a.x.dim(1), w = a.x.dim(2), c = a.x.dim(3),
                at = ((n * a.y.dim(1) + i) * a.y.dim(2) + j) * c;
  const PoolTaps rows = pool_taps(i, h, a.kernel[0], a.window, 0),
                 columns = pool_taps(j, w, a.kernel[1], a.window, 1);
  const double* image = a.x.as<double>() + n * h * w * c;
  const double scale = pool_scale(rows.count() * columns.count(), a.kernel, a.count_include_pad);
  for (int64_t k = 0; k < c; k++) {
    const bool max = a.kind == PoolKind::max;
    double y = max ? -std::numeric_limits<double>::infinity() : 0;
    std::int32_t index = -1;
    each_tap(rows, columns, w, c, a.window, [&](int64_t offset, std::int32_t pixel) {
      const double x = image[offset + k];
      if (!max) {
        y += x;
      } else if (x > y || x != x || index < 0) {
        y = x;
        index = pixel;
      }
    });
    a.y.as<double>()[at + k] = max ? y : y * scale;
    if (a.indices) a.indices.as<std::int32_t>()[at + k] = index;
  }
}

// One image: its windows in order, each adding to the pixels that it holds.
void backward_image(const Pool2dBackward& a, int64_t n) {
  const int64_t h = a.dx.dim(1), w = a.dx.dim(2), c = a.dx.dim(3), oh = a.dy.dim(1),
                ow = a.dy.dim(2);
  double* image = a.dx.as<double>() + n * h * w * c;
  for (int64_t k = 0; k < h * w * c; k++) image[k] = 0;
  for (int64_t i = 0; i < oh; i++)
    for (int64_t j = 0; j < ow; j++) {
      const int64_t at = ((n * oh + i) * ow + j) * c;
      const double* dy = a.dy.as<double>() + at;
      if (a.kind == PoolKind::max) {
        const std::int32_t* index = a.indices.as<std::int32_t>() + at;
        for (int64_t k = 0; k < c; k++)
          if (index[k] >= 0) image[index[k] * c + k] += dy[k];
        continue;
      }
      const PoolTaps rows = pool_taps(i, h, a.kernel[0], a.window, 0);
      const PoolTaps columns = pool_taps(j, w, a.kernel[1], a.window, 1);
      const double scale =
          pool_scale(rows.count() * columns.count(), a.kernel, a.count_include_pad);
      each_tap(rows, columns, w, c, a.window, [&](int64_t offset, std::int32_t) {
        for (int64_t k = 0; k < c; k++) image[offset + k] += dy[k] * scale;
      });
    }
}

}  // namespace

void pool2d_forward(const Pool2dForward& a, Stream) {
  if (a.y.size() == 0) return;
  if (a.x.dtype == Dtype::f32) return pool2d_forward_f32(a);
  const int64_t oh = a.y.dim(1), ow = a.y.dim(2);
  parallel_for(a.y.dim(0) * oh * ow, 8, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) forward_pixel(a, r / ow / oh, r / ow % oh, r % ow);
  });
}

void pool2d_backward(const Pool2dBackward& a, Stream) {
  if (a.dx.size() == 0) return;
  if (a.dy.dtype == Dtype::f32) return pool2d_backward_f32(a);
  parallel_for(a.dx.dim(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; n++) backward_image(a, n);
  });
}

}  // namespace lacuna::cpu
