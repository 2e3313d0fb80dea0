// Augmenting pictures
//   math         kernels/augment_image.h, the formulas of kernels/augment_image_math.h
//   shapes       images (N, H, W, C) u8, C 1 or 3; views (V * N, 16) f32; out (V * N, h, w, C) f32 or bf16
//   traffic      reads the crop's bytes once (overlapping taps again from L1 and L2) and writes the view once where it has
//                neither contrast, rotation nor blur. Contrast needs the mean of what is before it: the view is written, in
//                f32, and read once more. Rotation adds a round through a workspace of the view's size, blur two (its taps
//                from L1 and L2)
//   launch       a block of 256 threads a view; its conditions are the same for the whole block
//   numerics     f32; positions in f64
//   determinism  yes: fixed order, no atomics; a view depends on its row of `views` alone
//   checked by   tests/ops/augment_image.cpp
//   measured     not measured
#include <device/launch.cuh>
#include <device/reduce.cuh>
#include <device/workspace.cuh>

#include "../augment_image_math.h"

namespace lacuna::LACUNA_NS {
namespace {

using namespace augment;

constexpr int kThreads = 256;

struct Options {
  int height, width, out_height, out_width, radius;  // of pictures and views
  std::int64_t pictures;
  Interpolation interpolation;
  bool rotates;
  float cutout_size, cutout_fill;
};

template <int C>
struct Pixel {
  float v[C];
};

// What is the same for a whole view: in shared memory, where it takes no registers.
struct Plan {
  View view;
  ResizeAxis<float> rows, columns;
};

// Pixel (y, x) of the resized crop.
template <int C>
__device__ Pixel<C> cropped(const std::uint8_t* image, const Plan& plan, const Options& o, int y,
                            int x) {
  const View& v = plan.view;
  const ResizeAxis<float>&rows = plan.rows, &columns = plan.columns;
  const auto down = rows.taps(y), across = columns.taps(v.flip != 0 ? o.out_width - 1 - x : x);
  const std::uint8_t* line = image + ((static_cast<int>(v.top) + down.first) * o.width +
                                      static_cast<int>(v.left) + across.first) *
                                         C;
  float sum[C];
  LACUNA_UNROLL
  for (int c = 0; c < C; c++) sum[c] = 0;
  for (int j = 0; j < down.count; j++, line += o.width * C) {
    const float row = rows.weight(down, j);
    for (int i = 0; i < across.count; i++) {
      const float weight = row * columns.weight(across, i);
      LACUNA_UNROLL
      for (int c = 0; c < C; c++) sum[c] += weight * line[i * C + c];
    }
  }
  const float scale = 1 / (255 * rows.sum(down) * columns.sum(across));
  Pixel<C> p;
  LACUNA_UNROLL
  for (int c = 0; c < C; c++) p.v[c] = clip(sum[c] * scale);
  return p;
}

template <int C>
__device__ Pixel<C> load(const float* view, int i) {
  Pixel<C> p;
  LACUNA_UNROLL
  for (int c = 0; c < C; c++) p.v[c] = view[i * C + c];
  return p;
}
template <int C>
__device__ void store(float* view, int i, const Pixel<C>& p) {
  LACUNA_UNROLL
  for (int c = 0; c < C; c++) view[i * C + c] = p.v[c];
}
template <int C>
__device__ void add(Pixel<C>& to, float share, const Pixel<C>& p) {
  LACUNA_UNROLL
  for (int c = 0; c < C; c++) to.v[c] += share * p.v[c];
}

template <int C>
__device__ Pixel<C> rotated(const float* view, const Rotation<float>& rotation, const Options& o,
                            int y, int x) {
  const auto from = rotation.at(y, x);
  Pixel<C> p = {};
  LACUNA_UNROLL
  for (int k = 0; k < 4; k++) {
    const int row = from.top + k / 2, column = from.left + k % 2;
    if (row < 0 || row >= o.out_height || column < 0 || column >= o.out_width) continue;
    add(p, (k / 2 ? from.down : 1 - from.down) * (k % 2 ? from.right : 1 - from.right),
        load<C>(view, row * o.out_width + column));
  }
  return p;
}

// Steps from .. to - 1 of a jitter.
template <int C>
__device__ void jitter_steps(Pixel<C>& p, unsigned order, int from, int to, const View& v,
                             float mean) {
  for (int k = from; k < to; k++) jitter(p.v, order >> (2 * k) & 3, v, mean);
}

template <int C, class T>
__global__ void __launch_bounds__(kThreads, 4)  // 64 registers: ptxas would spill for fewer
    augment_kernel(T* out, float* work, float* spare, const std::uint8_t* images, const View* views,
                   Options o) {
  LACUNA_SHARED(float, weights, [kMaxBlurRadius + 1]);
  LACUNA_SHARED(Plan, plans, [1]);
  const std::int64_t row = blockIdx.x;
  const int width = o.out_width, pixels = o.out_height * width;
  if (threadIdx.x == 0) {
    const View drawn = views[row];
    plans[0] = {drawn,
                {static_cast<int>(drawn.height), o.out_height, o.interpolation},
                {static_cast<int>(drawn.width), width, o.interpolation}};
  }
  __syncthreads();
  const Plan& plan = plans[0];
  const View& v = plan.view;
  images += row % o.pictures * o.height * o.width * C;
  out += row * pixels * C;
  work += row * pixels * C;
  if (spare) spare += row * pixels * C;
  const bool turned = o.rotates && v.angle != 0, blurred = o.radius > 0 && v.sigma > 0;

  if (turned) {
    for (int i = threadIdx.x; i < pixels; i += kThreads)
      store(work, i, cropped<C>(images, plan, o, i / width, i % width));
    __syncthreads();
    const Rotation<float> rotation(v.angle, o.out_height, width);
    for (int i = threadIdx.x; i < pixels; i += kThreads)
      store(spare, i, rotated<C>(work, rotation, o, i / width, i % width));
    __syncthreads();
  }

  const auto finish = [&](int i, const Pixel<C>& p) {
    const auto y = static_cast<float>(i / width), x = static_cast<float>(i % width);
    const bool cut = y >= v.cut_top && y < v.cut_top + o.cutout_size && x >= v.cut_left &&
                     x < v.cut_left + o.cutout_size;
    LACUNA_UNROLL
    for (int c = 0; c < C; c++)
      out[i * C + c] = T(cut ? o.cutout_fill : p.v[c] >= v.solarise ? 1 - p.v[c] : p.v[c]);
  };
  const auto coloured = [&](int i, Pixel<C>& p) {
    if (v.grey != 0) {
      const float grey = luma(p.v);
      LACUNA_UNROLL
      for (int c = 0; c < C; c++) p.v[c] = grey;
    }
    if (blurred)
      store(work, i, p);
    else
      finish(i, p);
  };
  const bool jittered = v.order >= 0;
  const unsigned order = jittered ? jitter_order(static_cast<int>(v.order)) : 0;
  int contrast = 0;  // its place in the order
  while (jittered && (order >> (2 * contrast) & 3) != kContrast) contrast++;
  float sum = 0;
  for (int i = threadIdx.x; i < pixels; i += kThreads) {
    Pixel<C> p = turned ? load<C>(spare, i) : cropped<C>(images, plan, o, i / width, i % width);
    if (jittered) {
      jitter_steps(p, order, 0, contrast, v, 0.0f);
      sum += luma(p.v);
      store(work, i, p);
    } else {
      coloured(i, p);
    }
  }
  if (jittered) {
    const float mean = block_reduce<Sum>(sum) / static_cast<float>(pixels);
    for (int i = threadIdx.x; i < pixels; i += kThreads) {
      Pixel<C> p = load<C>(work, i);  // this thread's own
      jitter_steps(p, order, contrast, 4, v, mean);
      coloured(i, p);
    }
  }
  if (!blurred) return;

  if (threadIdx.x <= static_cast<unsigned>(o.radius)) {
    const double x = threadIdx.x / static_cast<double>(v.sigma);
    weights[threadIdx.x] = static_cast<float>(exp(-0.5 * x * x));
  }
  __syncthreads();
  float all = weights[0];
  for (int k = 1; k <= o.radius; k++) all += 2 * weights[k];
  const auto sum_along = [&](const float* from, int i, int at, int size, int step) {
    Pixel<C> p = {};
    for (int k = -o.radius; k <= o.radius; k++)
      add(p, weights[k < 0 ? -k : k], load<C>(from, i + (mirrored(at + k, size) - at) * step));
    LACUNA_UNROLL
    for (int c = 0; c < C; c++) p.v[c] /= all;
    return p;
  };
  for (int i = threadIdx.x; i < pixels; i += kThreads)
    store(spare, i, sum_along(work, i, i % width, width, 1));
  __syncthreads();
  for (int i = threadIdx.x; i < pixels; i += kThreads)
    finish(i, sum_along(spare, i, i / width, o.out_height, width));
}

// ---- launchers ----

template <int C>
void augment(const AugmentImage& a, Stream stream) {
  const auto side = [](const Array& x, int d) { return static_cast<int>(x.dim(d)); };
  const Options o{side(a.images, 1),
                  side(a.images, 2),
                  side(a.out, 1),
                  side(a.out, 2),
                  static_cast<int>(a.radius),
                  a.images.dim(0),
                  a.interpolation,
                  a.rotates,
                  static_cast<float>(a.cutout_size),
                  static_cast<float>(a.cutout_fill)};
  const bool half = a.out.dtype == Dtype::bf16;
  const Workspace<float> work(a.out.device, half ? a.out.size() : 0),
      spare(a.out.device, a.rotates || a.radius > 0 ? a.out.size() : 0);
  const LaunchConfig config{.grid = a.out.dim(0), .block = kThreads, .stream = stream};
  if (half)
    launch(config, (augment_kernel<C, bf16>), a.out.as<bf16>(), work.data(), spare.data(),
           a.images.as<std::uint8_t>(), a.views.as<View>(), o);
  else
    launch(config, (augment_kernel<C, float>), a.out.as<float>(), a.out.as<float>(), spare.data(),
           a.images.as<std::uint8_t>(), a.views.as<View>(), o);
}

}  // namespace

void augment_image(const AugmentImage& a, Stream stream) {
  a.images.dim(3) == 1 ? augment<1>(a, stream) : augment<3>(a, stream);
}

}  // namespace lacuna::LACUNA_NS
