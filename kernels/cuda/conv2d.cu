// convolution, channels-last, forward and gradient of the input, as matrix products whose operand is made on the fly
//   math         forward: y (n oh ow, co) = patches of x (n oh ow, kh kw ci) weight^T
//                input:   dx = patches of dy, weight: one product for each place of a pixel between two steps of the
//                window (stride^2 of them), each with the taps that reach it, so that no zero is multiplied. Where windows
//                lie side by side (2 x 2 with stride 2): dy (n oh ow, co) weight (co, kh kw ci), scattered as it is stored
//   shapes       x (n, h, w, ci), weight (co, kh, kw, ci / groups), y (n, oh, ow, co); f32 (as f32 or tf32) or bf16
//   traffic      kh kw / stride^2 reads of x, nearly all from L1 or L2; y is written once
//   launch       one block a tile; a group is a place in the batch. See gemm.cuh. Depthwise: conv2d_depthwise.cu
//   moments      of the result's channels, where they are wanted, tile by tile from shared memory, then joined in order
//   numerics     f32 sums; moments in two passes over 64 rows, joined by Chan, Golub, LeVeque 1979
//   determinism  yes
//   checked by   tests/ops/conv2d.cpp, tests/ops/conv_transpose2d.cpp
//   measured     not measured
#include "../conv2d.h"

#include <numeric>

#include "../batch_norm.h"
#include "batch_norm.h"
#include "conv2d.cuh"

namespace lacuna::LACUNA_NS {

void batch_norm_moments(const BatchNormMoments& a, Stream stream);  // batch_norm_sums.cu

namespace {

// Returns how many rows `moments` are of at a time, as gemm() does.
int forward_product(const Conv& c, const ConvEnd& end, float* moments) {
  const std::int64_t kh = c.weight.dim(1), kw = c.weight.dim(2), ci = c.weight.dim(3),
                     co = c.y.dim(3) / c.groups, windows = c.y.dim(0) * c.y.dim(1) * c.y.dim(2),
                     depth = kh * kw * ci;
  const GemmSizes size = gemm_sizes("conv2d", windows, co, depth);
  const Batches batches = groups_of(c.groups, ci, co * depth, co, co);
  int chunk = 0;
  with_math(c.x.dtype, [&](auto math) {
    constexpr Math kMath = decltype(math)::value;
    using T = typename TileShape<kMath, false>::T;
    Out<T> out{c.y.as<T>(), end.bias.as<T>(), end.residual.as<T>()};
    out.x_stride = c.y.dim(3);
    out.epilogue = end.epilogue;
    out.moments = moments;
    out.moment_columns = c.y.dim(3);
    const MatrixSide<T, true, 16 / sizeof(T)> weight{c.weight.as<T>(), depth, to_int(co),
                                                     aligned<T>(c.weight, depth)};
    with_patch_vector<T>(c.x, ci, [&](auto vector) {
      chunk = gemm<kMath>(input_patches<T, true, decltype(vector)::value>(c), weight, out, batches,
                          size, c.x.device, c.stream);
    });
  });
  return chunk;
}

}  // namespace

void conv_forward(const Conv& c, const ConvEnd& end) {
  const std::int64_t windows = c.y.dim(0) * c.y.dim(1) * c.y.dim(2);
  const bool direct = is_depthwise(c), wanted = end.mean && !direct;
  const Workspace<float> moments(c.y.device,
                                 wanted ? ceil_div(windows, kLeastRows) * 2 * c.y.dim(3) : 0);
  int chunk = 0;
  if (direct)
    depthwise_forward(c, end);
  else
    chunk = forward_product(c, end, moments.data());
  if (end.mean && chunk)
    join_moments(end.mean, end.centred, moments.data(), windows, chunk, c.stream);
  else if (end.mean)
    batch_norm_moments({end.mean, end.centred, c.y}, c.stream);
}

namespace {

// Along one axis, the pixels h = phase + stride i of x, and the taps that reach them: tap p meets y at (h + padding -
// p dilation) / stride where that is whole, which it is for p = first + u step: at start + i - u shift.
struct Phase {
  int pixels = 0, first = 0, step = 1, taps = 0, start = 0, shift = 0;

  Phase(std::int64_t phase, std::int64_t size, std::int64_t kernel, const Window2d& w, int axis) {
    const std::int64_t stride = w.stride[axis], dilation = w.dilation[axis];
    const std::int64_t common = std::gcd(stride, dilation);
    step = to_int(stride / common);
    shift = to_int(dilation / common);
    pixels = to_int(phase < size ? ceil_div(size - phase, stride) : 0);
    const std::int64_t reach = phase + w.padding[axis];
    std::int64_t p = 0;
    while (p < std::min<std::int64_t>(step, kernel) && (reach - p * dilation) % stride != 0) p++;
    if (p >= std::min<std::int64_t>(step, kernel)) return;  // nothing reaches these pixels
    first = to_int(p);
    taps = to_int(ceil_div(kernel - p, step));
    start = to_int((reach - p * dilation) / stride);
  }
};

// Whether every pixel of x is met by exactly one window.
bool side_by_side(const Conv& c) {
  bool yes = true;
  for (int axis = 0; axis < 2; axis++) {
    const std::int64_t kernel = c.weight.dim(1 + axis);
    yes = yes && c.window.stride[axis] == kernel && c.window.padding[axis] == 0 &&
          (c.window.dilation[axis] == 1 || kernel == 1) &&
          c.x.dim(1 + axis) == c.y.dim(1 + axis) * kernel;
  }
  return yes;
}

void scatter_windows(const Conv& c, const ConvEnd& end) {
  const std::int64_t kh = c.weight.dim(1), kw = c.weight.dim(2), ci = c.weight.dim(3),
                     co = c.y.dim(3) / c.groups, windows = c.y.dim(0) * c.y.dim(1) * c.y.dim(2),
                     pixel = c.x.dim(3), line = c.x.dim(2) * pixel, patch = kh * kw * ci;
  const GemmSizes size = gemm_sizes("conv2d grad_input", windows, patch, co);
  const Batches batches = groups_of(c.groups, co, co * patch, ci, ci);
  with_math(c.x.dtype, [&](auto math) {
    constexpr Math kMath = decltype(math)::value;
    using T = typename TileShape<kMath, false>::T;
    constexpr int kWide = 16 / sizeof(T);
    Out<T> out{c.x.as<T>(), end.bias.as<T>()};
    out.image_stride = c.x.dim(1) * line;
    out.y_stride = kh * line;
    out.x_stride = kw * pixel;
    out.height = to_int(c.y.dim(1));
    out.width = to_int(c.y.dim(2));
    out.channels = to_int(ci);
    out.patch_width = to_int(kw);
    out.line = line;
    out.pixel = pixel;
    out.epilogue = end.epilogue;
    const MatrixSide<T, true, kWide> gradients{c.y.as<T>(), c.y.dim(3), to_int(windows),
                                               aligned<T>(c.y, c.y.dim(3)) && co % kWide == 0};
    const MatrixSide<T, false, kWide> weight{c.weight.as<T>(), patch, to_int(patch),
                                             aligned<T>(c.weight, patch)};
    gemm<kMath>(gradients, weight, out, batches, size, c.x.device, c.stream);
  });
}

}  // namespace

void conv_grad_input(const Conv& c, const ConvEnd& end) {
  if (is_depthwise(c)) return depthwise_grad_input(c, end);
  if (side_by_side(c)) return scatter_windows(c, end);
  const std::int64_t kh = c.weight.dim(1), kw = c.weight.dim(2), ci = c.weight.dim(3),
                     co = c.y.dim(3) / c.groups;
  const Batches batches = groups_of(c.groups, co, co * kh * kw * ci, ci, ci);
  with_math(c.x.dtype, [&](auto math) {
    constexpr Math kMath = decltype(math)::value;
    using T = typename TileShape<kMath, false>::T;
    for (std::int64_t i = 0; i < c.window.stride[0]; i++) {
      const Phase v(i, c.x.dim(1), kh, c.window, 0);
      for (std::int64_t j = 0; j < c.window.stride[1]; j++) {
        const Phase h(j, c.x.dim(2), kw, c.window, 1);
        const std::int64_t taps = std::int64_t{v.taps} * h.taps;
        const GemmSizes size =
            gemm_sizes("conv2d grad_input", c.x.dim(0) * v.pixels * h.pixels, ci, taps * co);
        if (size.m == 0) continue;
        const std::int64_t pixel = c.x.dim(3), line = c.x.dim(2) * pixel;
        Out<T> out{c.x.as<T>() + i * line + j * pixel, end.bias.as<T>()};
        out.image_stride = c.x.dim(1) * line;
        out.y_stride = c.window.stride[0] * line;
        out.x_stride = c.window.stride[1] * pixel;
        out.height = v.pixels;
        out.width = h.pixels;
        out.epilogue = end.epilogue;
        const TapWeightSide<T, 16 / sizeof(T)> weight{.p = c.weight.as<T>(),
                                                      .in = to_int(ci),
                                                      .out = to_int(co),
                                                      .kernel_height = to_int(kh),
                                                      .kernel_width = to_int(kw),
                                                      .first = {v.first, h.first},
                                                      .step = {v.step, h.step},
                                                      .tap_columns = std::max(h.taps, 1),
                                                      .wide = aligned<T>(c.weight, ci)};
        with_patch_vector<T>(c.y, co, [&](auto vector) {
          const PatchSide<T, true, decltype(vector)::value> patches{
              .p = c.y.as<T>(),
              .height = to_int(c.y.dim(1)),
              .width = to_int(c.y.dim(2)),
              .pixel = to_int(c.y.dim(3)),
              .windows = size.m,
              .rows = v.pixels,
              .columns = h.pixels,
              .taps = to_int(taps),
              .tap_columns = std::max(h.taps, 1),
              .channels = to_int(std::max<std::int64_t>(co, 1)),
              .step = {1, 1},
              .start = {v.start, h.start},
              .tap = {-v.shift, -h.shift}};
          gemm<kMath>(patches, weight, out, batches, size, c.x.device, c.stream);
        });
      }
    }
  });
}

void conv2d_forward(const Conv2dForward& a, Stream stream) {
  conv_forward({a.x, a.weight, a.y, a.window, a.groups, stream},
               {a.bias, a.epilogue, a.residual, a.mean, a.centred});
}

void conv2d_grad_input(const Conv2dGradInput& a, Stream stream) {
  conv_grad_input({a.dx, a.weight, a.dy, a.window, a.groups, stream}, {});
}

}  // namespace lacuna::LACUNA_NS
