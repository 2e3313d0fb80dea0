// depthwise convolution (as many groups as channels), channels-last: forward, gradients of the input and of the weights
//   math         kernels/conv2d.h with groups = ci = co: every channel by itself, so there is no product to make of it
//   shapes       x (n, h, w, c), weight (c, kh, kw, 1), y (n, oh, ow, c); f32 or bf16; kh kw <= kMostTaps
//   traffic      forward and input: kh kw / stride^2 reads, nearly all from L1, one write; weights: dy and x kh kw times, from
//                L2 where they fit it
//   launch       device/columns.cuh over the pixels of the result (of dy, for the weights); a block keeps its channels' weights
//                in shared memory. Weights: a block takes one tap, and a second launch adds up the chunks of pixels
//   numerics     f32 sums
//   determinism  yes: fixed order, no atomics; chunks depend on the shape alone (and on whether arrays are aligned)
//   checked by   tests/ops/conv2d.cpp, tests/ops/precision.cpp
//   measured     not measured
#include <device/columns.cuh>
#include <device/divide.cuh>
#include <device/epilogue.cuh>
#include <device/workspace.cuh>

#include "conv2d.h"

namespace lacuna::LACUNA_NS {
namespace {

constexpr std::int64_t kMostTaps = 64;  // whose weights of 256 channels are 64 KB

/// Along one axis: position i of one image meets, through tap p, position (i step + start + p tap) / divide of the other
/// where that is whole and below `size`.
struct Axis {
  Divider positions;
  int size, step, start, tap;
  Divider divide;
  __device__ int meets(int i, int p) const {
    const int at = i * step + start + p * tap;
    if (at < 0 || at % divide != 0) return -1;
    return at / divide < size ? at / divide : -1;
  }
};

/// From the pixels of one image to those of the other that a tap joins to them.
struct Meeting {
  Axis vertical, horizontal;
  Divider kernel_width;
  int taps;

  struct Pixel {
    int image, y, x;
  };
  __device__ Pixel pixel(std::int64_t row) const {
    const int i = static_cast<int>(row), line = i / horizontal.positions;
    return {line / vertical.positions, line % vertical.positions, i % horizontal.positions};
  }
  /// The row of the other image, or -1.
  __device__ std::int64_t row(const Pixel& p, int tap) const {
    const int line = tap / kernel_width;
    const int y = vertical.meets(p.y, line);
    const int x = horizontal.meets(p.x, tap - line * kernel_width);
    if (y < 0 || x < 0) return -1;
    return (std::int64_t{p.image} * vertical.size + y) * horizontal.size + x;
  }
};

template <class T>
struct End {
  const T *bias, *residual;
  Epilogue epilogue;
};

template <class T, int N>
__global__ void __launch_bounds__(kColumnThreads)
    gather(T* out, const T* in, const T* weight, End<T> end, Meeting meeting, std::int64_t rows,
           std::int64_t columns, std::int64_t chunk) {
  float* const weights = dynamic_shared<float>();  // (taps, width)
  const int width = static_cast<int>(blockDim.x) * N, taps = meeting.taps;
  const std::int64_t channel = std::int64_t{blockIdx.x} * width;
  for (int e = static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x); e < taps * width;
       e += kColumnThreads) {
    const int c = e / taps, tap = e % taps;
    weights[tap * width + c] =
        channel + c < columns ? static_cast<float>(weight[(channel + c) * taps + tap]) : 0.0f;
  }
  __syncthreads();
  const ColumnPlace<N> p(rows, chunk);
  if (p.j >= columns) return;
  for (std::int64_t row = p.first; row < p.end; row += p.step) {
    const auto pixel = meeting.pixel(row);
    float sum[N], v[N], w[N];
    load_parameter(sum, end.residual ? end.residual + row * columns : nullptr, p.j, columns, 0.0f);
    LACUNA_NO_UNROLL
    for (int tap = 0; tap < taps; tap++) {
      const std::int64_t from = meeting.row(pixel, tap);
      if (from < 0) continue;
      load_vec(v, in + from * columns, p.j, columns, 0.0f);
      load_vec(w, weights + tap * width, static_cast<int>(threadIdx.x) * N, width, 0.0f);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) sum[k] += v[k] * w[k];
    }
    load_parameter(v, end.bias, p.j, columns, 0.0f);
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) sum[k] = activated(sum[k] + v[k], end.epilogue);
    store_vec(out + row * columns, p.j, columns, sum);
  }
}

// partial (chunks, columns, taps)
template <class T, int N>
__global__ void __launch_bounds__(kColumnThreads)
    weights_of_chunks(float* partial, const T* dy, const T* x, Meeting meeting, std::int64_t rows,
                      std::int64_t columns, std::int64_t chunk) {
  LACUNA_SHARED(float, shared, [kColumnThreads * N]);
  const ColumnPlace<N> p(rows, chunk);
  const int tap = static_cast<int>(blockIdx.z);
  float sum[N] = {};
  LACUNA_UNROLL_4
  for (std::int64_t row = p.first; row < p.end; row += p.step) {
    const std::int64_t from = meeting.row(meeting.pixel(row), tap);
    const std::int64_t width = from < 0 ? 0 : columns;
    float g[N], v[N];
    load_vec(g, dy + row * columns, p.j, width, 0.0f);
    load_vec(v, x + (from < 0 ? 0 : from) * columns, p.j, width, 0.0f);
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) sum[k] += g[k] * v[k];
  }
  fold_block(shared, sum, columns, [&](std::int64_t j, float total) {
    partial[(blockIdx.y * columns + j) * meeting.taps + tap] = total;
  });
}

// ---- launchers ----

int to_int(std::int64_t v) { return static_cast<int>(v); }

// From y's pixels to those of x; backwards from x's to those of y.
Meeting meeting(const Conv& c, bool backwards) {
  const auto axis = [&](int a) {
    const int stride = to_int(c.window.stride[a]), dilation = to_int(c.window.dilation[a]),
              padding = to_int(c.window.padding[a]), x = to_int(c.x.dim(1 + a)),
              y = to_int(c.y.dim(1 + a));
    return backwards ? Axis{x, y, 1, padding, -dilation, stride}
                     : Axis{y, x, stride, -padding, dilation, 1};
  };
  return {axis(0), axis(1), to_int(c.weight.dim(2)), to_int(c.weight.dim(1) * c.weight.dim(2))};
}

template <class T>
void gather_into(const Array& out, const Array& in, const Conv& c, const ConvEnd& end,
                 bool backwards) {
  const Meeting m = meeting(c, backwards);
  T* const to = out.as<T>();
  const T *const from = in.as<T>(), *const weight = c.weight.as<T>();
  const End<T> last{end.bias.as<T>(), end.residual.as<T>(), end.epilogue};
  by_columns<T>(out, {to, from, last.bias, last.residual}, 1, [&](auto n, const ColumnGrid& g) {
    constexpr int N = decltype(n)::value;
    launch({.grid = g.grid(),
            .block = g.block(),
            .shared_bytes = sizeof(float) * m.taps * g.lanes * N,
            .stream = c.stream},
           gather<T, N>, to, from, weight, last, m, g.rows, g.columns, g.chunk);
  });
}

template <class T>
void grad_weight(const Conv& c) {
  const Meeting m = meeting(c, false);
  const T *const dy = c.y.as<T>(), *const x = c.x.as<T>();
  by_columns<T>(c.y, {dy, x}, 2, [&](auto n, const ColumnGrid& g) {
    const std::int64_t size = g.columns * m.taps;
    const Workspace<float> partial(c.y.device, g.chunks * size);
    launch({.grid = {g.tiles, g.chunks, m.taps}, .block = g.block(), .stream = c.stream},
           weights_of_chunks<T, decltype(n)::value>, partial.data(), dy, x, m, g.rows, g.columns,
           g.chunk);
    launch_fold_columns(c.weight.as<float>(), nullptr, partial.data(), g.chunks, size, nullptr,
                        c.stream);
  });
}

}  // namespace

bool is_depthwise(const Conv& c) {
  const auto pixels = [](const Array& a) { return a.dim(0) * a.dim(1) * a.dim(2); };
  return c.groups == c.x.dim(3) && c.groups == c.y.dim(3) &&
         c.weight.dim(1) * c.weight.dim(2) <= kMostTaps &&
         std::max(pixels(c.x), pixels(c.y)) < 1 << 30;
}
void depthwise_forward(const Conv& c, const ConvEnd& end) {
  c.x.dtype == Dtype::bf16 ? gather_into<bf16>(c.y, c.x, c, end, false)
                           : gather_into<float>(c.y, c.x, c, end, false);
}
void depthwise_grad_input(const Conv& c, const ConvEnd& end) {
  c.x.dtype == Dtype::bf16 ? gather_into<bf16>(c.x, c.y, c, end, true)
                           : gather_into<float>(c.x, c.y, c, end, true);
}
void depthwise_grad_weight(const Conv& c) {
  c.x.dtype == Dtype::bf16 ? grad_weight<bf16>(c) : grad_weight<float>(c);
}

}  // namespace lacuna::LACUNA_NS
