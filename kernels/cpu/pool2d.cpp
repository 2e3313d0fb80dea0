// Pooling on cpu: plain loops over the windows of one output row, pixel by pixel, channels innermost.
#include "../pool2d.h"

#include <limits>
#include <vector>

#include "parallel.h"

namespace lacuna::cpu {
namespace {

// Taps first, ..., last - 1 of the window at output i lie inside [0, size); the first of them at pixel `at`.
struct Inside {
  std::int64_t first, last, at;
};
Inside inside(std::int64_t i, std::int64_t size, std::int64_t kernel, const Window2d& w, int axis) {
  const std::int64_t start = i * w.stride[axis] - w.padding[axis], d = w.dilation[axis];
  const std::int64_t first = start < 0 ? (-start + d - 1) / d : 0;
  const std::int64_t room = size - start;
  std::int64_t last = room <= 0 ? 0 : (room + d - 1) / d;
  if (last > kernel) last = kernel;
  return {first, last < first ? first : last, start + first * d};
}

template <class T>
void max_row(const Pool2dForward& a, std::int64_t n, std::int64_t i) {
  const std::int64_t h = a.x.dim(1), w = a.x.dim(2), c = a.x.dim(3), ow = a.y.dim(2);
  const Inside rows = inside(i, h, a.kernel[0], a.window, 0);
  std::vector<std::int32_t> unused(a.indices ? 0 : c);
  for (std::int64_t j = 0; j < ow; j++) {
    const Inside columns = inside(j, w, a.kernel[1], a.window, 1);
    const std::int64_t at = ((n * a.y.dim(1) + i) * ow + j) * c;
    T* y = a.y.as<T>() + at;
    std::int32_t* index = a.indices ? a.indices.as<std::int32_t>() + at : unused.data();
    for (std::int64_t k = 0; k < c; k++) {
      y[k] = -std::numeric_limits<T>::infinity();
      index[k] = -1;
    }
    for (std::int64_t p = rows.first; p < rows.last; p++) {
      for (std::int64_t q = columns.first; q < columns.last; q++) {
        const std::int64_t row = rows.at + (p - rows.first) * a.window.dilation[0];
        const std::int64_t column = columns.at + (q - columns.first) * a.window.dilation[1];
        const auto pixel = static_cast<std::int32_t>(row * w + column);
        const T* x = a.x.as<T>() + ((n * h + row) * w + column) * c;
        for (std::int64_t k = 0; k < c; k++) {
          const bool wins = x[k] > y[k] || x[k] != x[k] || index[k] < 0;
          y[k] = wins ? x[k] : y[k];
          index[k] = wins ? pixel : index[k];
        }
      }
    }
  }
}

template <class T>
void average_row(const Pool2dForward& a, std::int64_t n, std::int64_t i) {
  const std::int64_t h = a.x.dim(1), w = a.x.dim(2), c = a.x.dim(3), ow = a.y.dim(2);
  const Inside rows = inside(i, h, a.kernel[0], a.window, 0);
  for (std::int64_t j = 0; j < ow; j++) {
    const Inside columns = inside(j, w, a.kernel[1], a.window, 1);
    T* y = a.y.as<T>() + ((n * a.y.dim(1) + i) * ow + j) * c;
    for (std::int64_t k = 0; k < c; k++) y[k] = 0;
    for (std::int64_t p = rows.first; p < rows.last; p++) {
      for (std::int64_t q = columns.first; q < columns.last; q++) {
        const std::int64_t row = rows.at + (p - rows.first) * a.window.dilation[0];
        const std::int64_t column = columns.at + (q - columns.first) * a.window.dilation[1];
        const T* x = a.x.as<T>() + ((n * h + row) * w + column) * c;
        for (std::int64_t k = 0; k < c; k++) y[k] += x[k];
      }
    }
    const std::int64_t taps = (rows.last - rows.first) * (columns.last - columns.first);
    const std::int64_t count = a.count_include_pad ? a.kernel[0] * a.kernel[1] : taps;
    const T scale = count ? T{1} / static_cast<T>(count) : T{0};
    for (std::int64_t k = 0; k < c; k++) y[k] *= scale;
  }
}

// One image: its windows in order, each adding to the pixels that it holds. Images are independent.
template <class T>
void backward_image(const Pool2dBackward& a, std::int64_t n) {
  const std::int64_t h = a.dx.dim(1), w = a.dx.dim(2), c = a.dx.dim(3);
  const std::int64_t oh = a.dy.dim(1), ow = a.dy.dim(2);
  T* image = a.dx.as<T>() + n * h * w * c;
  for (std::int64_t k = 0; k < h * w * c; k++) image[k] = 0;
  for (std::int64_t i = 0; i < oh; i++) {
    const Inside rows = inside(i, h, a.kernel[0], a.window, 0);
    for (std::int64_t j = 0; j < ow; j++) {
      const std::int64_t at = ((n * oh + i) * ow + j) * c;
      const T* dy = a.dy.as<T>() + at;
      if (a.kind == PoolKind::max) {
        const std::int32_t* index = a.indices.as<std::int32_t>() + at;
        for (std::int64_t k = 0; k < c; k++)
          if (index[k] >= 0) image[index[k] * c + k] += dy[k];
        continue;
      }
      const Inside columns = inside(j, w, a.kernel[1], a.window, 1);
      const std::int64_t taps = (rows.last - rows.first) * (columns.last - columns.first);
      const std::int64_t count = a.count_include_pad ? a.kernel[0] * a.kernel[1] : taps;
      const T scale = count ? T{1} / static_cast<T>(count) : T{0};
      for (std::int64_t p = 0; p < rows.last - rows.first; p++) {
        for (std::int64_t q = 0; q < columns.last - columns.first; q++) {
          const std::int64_t row = rows.at + p * a.window.dilation[0];
          const std::int64_t column = columns.at + q * a.window.dilation[1];
          T* dx = image + (row * w + column) * c;
          for (std::int64_t k = 0; k < c; k++) dx[k] += dy[k] * scale;
        }
      }
    }
  }
}

}  // namespace

void pool2d_forward(const Pool2dForward& a, Stream) {
  const std::int64_t oh = a.y.dim(1);
  dispatch_float(a.x.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallel_for(a.y.dim(0) * oh, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; r++)
        if (a.kind == PoolKind::max)
          max_row<T>(a, r / oh, r % oh);
        else
          average_row<T>(a, r / oh, r % oh);
    });
  });
}

void pool2d_backward(const Pool2dBackward& a, Stream) {
  dispatch_float(a.dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallel_for(a.dx.dim(0), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; n++) backward_image<T>(a, n);
    });
  });
}

}  // namespace lacuna::cpu
