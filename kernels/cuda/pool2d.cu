// Max and average pooling of channels-last images, forward and backward
//   math         kernels/pool2d.h
//   shapes       x (n, h, w, c), y (n, oh, ow, c), f32 or bf16; indices i32
//   traffic      forward reads x once where windows do not overlap (else again from L1 and L2) and writes y, and indices,
//                once; backward reads dy, and indices, as often and writes dx once
//   launch       one thread for up to 16 bytes of channels of a pixel, 256 threads a block: forward an output pixel, whose
//                window it walks; backward an input pixel, whose windows it walks (gather form: nothing is added in memory)
//   numerics     f32 inside; a long window is summed in parts of 32 taps or a row
//   determinism  yes: taps and windows in row-major order, no atomics
//   checked by   tests/ops/pool2d.cpp, tests/emu/pool2d.cpp
//   measured     not measured
#include "../pool2d.h"

#include <device/launch.cuh>
#include <device/vec.cuh>

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kThreads = 256;
constexpr int kTapsInARow = 32;  // before a partial sum is put aside

// One axis of the windows. A side is below kSideLimit, so that positions are 32-bit, which divides faster.
constexpr std::int64_t kSideLimit = std::int64_t{1} << 29;

struct Axis {
  int size, windows, kernel, stride, padding, dilation;

  struct Taps {
    int at, count;  // position of the first tap inside the image, and how many are inside
  };
  __device__ Taps taps(int window) const {
    const int start = window * stride - padding, room = size - start;
    const int first = start < 0 ? divided(-start) : 0;
    const int last = room <= 0 ? 0 : divided(room) < kernel ? divided(room) : kernel;
    return {start + first * dilation, last > first ? last - first : 0};
  }

  // The windows whose span holds a position; with dilation a window's taps may still step over it.
  __device__ int first_window(int position) const {
    const int beyond = position + padding - dilation * (kernel - 1);
    return beyond <= 0 ? 0 : (beyond + stride - 1) / stride;
  }
  __device__ int last_window(int position) const {
    const int last = (position + padding) / stride;
    return last < windows ? last : windows - 1;
  }
  __device__ bool has_tap(int window, int position) const {
    return dilation == 1 || (position + padding - window * stride) % dilation == 0;
  }

 private:
  __device__ int divided(int pixels) const {  // by dilation, rounded up
    return dilation == 1 ? pixels : (pixels + dilation - 1) / dilation;
  }
};

struct Pooling {
  Axis rows, columns;
  std::int64_t images, channels, vectors;  // of N channels, a pixel
  bool count_include_pad;

  __device__ float scale(std::int64_t inside) const {
    const std::int64_t count =
        count_include_pad ? std::int64_t{rows.kernel} * columns.kernel : inside;
    return count ? 1.0f / static_cast<float>(count) : 0.0f;
  }
  // Threads of a pass over images of this size.
  LACUNA_HD std::int64_t items(int height, int width) const {
    return images * height * width * vectors;
  }
};

// The thread's place: vector `channel` of pixel (i, j) of an image that is `height` by `width`.
struct Place {
  std::int64_t channel, image;
  int i, j;
  __device__ Place(std::int64_t item, std::int64_t vectors, int height, int width) {
    const std::int64_t pixel = item / vectors, row = pixel / width;
    channel = item - pixel * vectors;
    j = static_cast<int>(pixel - row * width);
    image = row / height;
    i = static_cast<int>(row - image * height);
  }
};

__device__ inline std::int64_t thread_item() {
  return std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
}

template <class T, int N, bool kMax>
__global__ void __launch_bounds__(kThreads)
    forward_pixel(T* y, std::int32_t* indices, const T* x, Pooling p) {
  const std::int64_t item = thread_item();
  if (item >= p.items(p.rows.windows, p.columns.windows)) return;
  const Place at(item, p.vectors, p.rows.windows, p.columns.windows);
  const auto rows = p.rows.taps(at.i), columns = p.columns.taps(at.j);
  const std::int64_t first = at.channel * N, image = at.image * p.rows.size * p.columns.size;
  float result[N], part[N], v[N];
  std::int32_t index[N];
  LACUNA_UNROLL
  for (int k = 0; k < N; k++) {
    result[k] = kMax ? -INFINITY : 0.0f;
    part[k] = 0.0f;
    index[k] = -1;
  }
  int pending = 0;
  for (int r = 0; r < rows.count; r++) {
    const std::int64_t row =
        std::int64_t{rows.at + r * p.rows.dilation} * p.columns.size + columns.at;
    for (int q = 0; q < columns.count; q++) {
      const std::int64_t pixel = row + std::int64_t{q} * p.columns.dilation;
      load_vec(v, x + (image + pixel) * p.channels, first, p.channels, 0.0f);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) {
        if constexpr (kMax) {
          if (v[k] > result[k] || v[k] != v[k] || (r == 0 && q == 0)) {
            result[k] = v[k];
            index[k] = static_cast<std::int32_t>(pixel);
          }
        } else {
          part[k] += v[k];
        }
      }
    }
    if constexpr (!kMax) {
      pending += columns.count;
      if (pending < kTapsInARow) continue;
      pending = 0;
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) {
        result[k] += part[k];
        part[k] = 0.0f;
      }
    }
  }
  if constexpr (!kMax) {
    const float scale = p.scale(std::int64_t{rows.count} * columns.count);
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) result[k] = (result[k] + part[k]) * scale;
  }
  const std::int64_t out = item / p.vectors * p.channels;
  store_vec(y + out, first, p.channels, result);
  if (indices) store_vec(indices + out, first, p.channels, index);
}

template <class T, int N, bool kMax>
__global__ void __launch_bounds__(kThreads)
    backward_pixel(T* dx, const T* dy, const std::int32_t* indices, Pooling p) {
  const std::int64_t item = thread_item();
  if (item >= p.items(p.rows.size, p.columns.size)) return;
  const Place at(item, p.vectors, p.rows.size, p.columns.size);
  const std::int32_t pixel = at.i * p.columns.size + at.j;
  const std::int64_t first = at.channel * N;
  const std::int64_t image = at.image * p.rows.windows * p.columns.windows;
  const int begin = p.columns.first_window(at.j), end = p.columns.last_window(at.j);
  float sum[N], g[N];
  std::int32_t index[N];
  LACUNA_UNROLL
  for (int k = 0; k < N; k++) sum[k] = 0.0f;
  for (int i = p.rows.first_window(at.i); i <= p.rows.last_window(at.i); i++) {
    if (!p.rows.has_tap(i, at.i)) continue;
    const std::int64_t inside = kMax || p.count_include_pad ? 0 : p.rows.taps(i).count;
    for (int j = begin; j <= end; j++) {
      if (!p.columns.has_tap(j, at.j)) continue;
      const std::int64_t window = (image + std::int64_t{i} * p.columns.windows + j) * p.channels;
      load_vec(g, dy + window, first, p.channels, 0.0f);
      if constexpr (kMax) {
        load_vec(index, indices + window, first, p.channels, -1);
        LACUNA_UNROLL
        for (int k = 0; k < N; k++) sum[k] += index[k] == pixel ? g[k] : 0.0f;
      } else {
        const float scale = p.scale(p.count_include_pad ? 0 : inside * p.columns.taps(j).count);
        LACUNA_UNROLL
        for (int k = 0; k < N; k++) sum[k] += g[k] * scale;
      }
    }
  }
  store_vec(dx + item / p.vectors * p.channels, first, p.channels, sum);
}

// ---- launchers ----

template <class Args>
Pooling pooling(const Args& a, const Array& x, const Array& y, int width) {
  const auto axis = [&](int d) {
    const std::int64_t numbers[] = {x.dim(1 + d),       y.dim(1 + d),        a.kernel[d],
                                    a.window.stride[d], a.window.padding[d], a.window.dilation[d]};
    for (const std::int64_t n : numbers)
      LACUNA_CHECK(n < kSideLimit, a.op, "sizes, kernel and window must be below ", kSideLimit,
                   " on cuda and emu: got ", describe("x", x), ", ", describe("y", y));
    const auto number = [&](int i) { return static_cast<int>(numbers[i]); };
    return Axis{number(0), number(1), number(2), number(3), number(4), number(5)};
  };
  return {axis(0), axis(1), x.dim(0), x.dim(3), ceil_div(x.dim(3), width), a.count_include_pad};
}

template <class T>
void forward(const Pool2dForward& a, Stream stream) {
  T* const y = a.y.as<T>();
  const T* const x = a.x.as<T>();
  std::int32_t* const indices = a.indices.as<std::int32_t>();
  with_vector_width<T>(a.x.dim(3), {y, x, indices}, [&](auto width) {
    constexpr int N = decltype(width)::value;
    const Pooling p = pooling(a, a.x, a.y, N);
    const std::int64_t items = p.items(p.rows.windows, p.columns.windows);
    launch(
        {.grid = ceil_div(items, kThreads), .block = kThreads, .stream = stream, .barriers = false},
        a.kind == PoolKind::max ? forward_pixel<T, N, true> : forward_pixel<T, N, false>, y,
        indices, x, p);
  });
}

template <class T>
void backward(const Pool2dBackward& a, Stream stream) {
  T* const dx = a.dx.as<T>();
  const T* const dy = a.dy.as<T>();
  const std::int32_t* const indices = a.indices.as<std::int32_t>();
  with_vector_width<T>(a.dx.dim(3), {dx, dy, indices}, [&](auto width) {
    constexpr int N = decltype(width)::value;
    const Pooling p = pooling(a, a.dx, a.dy, N);
    const std::int64_t items = p.items(p.rows.size, p.columns.size);
    launch(
        {.grid = ceil_div(items, kThreads), .block = kThreads, .stream = stream, .barriers = false},
        a.kind == PoolKind::max ? backward_pixel<T, N, true> : backward_pixel<T, N, false>, dx, dy,
        indices, p);
  });
}

}  // namespace

void pool2d_forward(const Pool2dForward& a, Stream stream) {
  a.x.dtype == Dtype::bf16 ? forward<bf16>(a, stream) : forward<float>(a, stream);
}

void pool2d_backward(const Pool2dBackward& a, Stream stream) {
  a.dy.dtype == Dtype::bf16 ? backward<bf16>(a, stream) : backward<float>(a, stream);
}

}  // namespace lacuna::LACUNA_NS
