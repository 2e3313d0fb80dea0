#pragma once
// C = A B by tiles: the one loop under matrix products and all convolutions. What differs between them is where an element
// of A (m, k) or of B (k, n) comes from, which is a Side (sides.cuh), and where one of C goes, which is Out.
//
//   tiles        tensor cores: 128 x 128, or 64 x 64 where the large ones would leave multiprocessors idle; f32: 128 x 64; all
//                by 128 threads
//   pipeline     the next two or three tiles are on their way to shared memory (cp.async) while the present one is multiplied;
//                one barrier a tile
//   split k      where there are few tiles and k is long: f32 partial sums, added in a fixed order by a second kernel
//   types        C has the operands' type; or f32 beside bf16 (gradients of weights), which partial sums are anyway
//   order        blocks that run together share rows of A and columns of B in L2: tiles go in groups of 8 rows
//   determinism  yes: every sum has a fixed order, no atomics
#include <algorithm>
#include <device/divide.cuh>
#include <device/epilogue.cuh>
#include <device/launch.cuh>
#include <device/moments.cuh>
#include <device/shared.cuh>
#include <device/tile.cuh>
#include <device/workspace.cuh>

#include "../array.h"
#include "../precision.h"
#include "tile_copy.cuh"

namespace lacuna::LACUNA_NS {

/// Several products of one shape: z is a place in the batch, or a group of a convolution.
struct Batches {
  int ndim = 0;
  std::int64_t count = 1, shape[kMaxDims] = {};
  std::int64_t a[kMaxDims] = {}, b[kMaxDims] = {}, c[kMaxDims] = {}, bias[kMaxDims] = {};
  __device__ static std::int64_t offset(std::int64_t z, int ndim, const std::int64_t* shape,
                                        const std::int64_t* strides) {
    std::int64_t offset = 0;
    for (int d = ndim - 1; d >= 0; d--) {
      offset += z % shape[d] * strides[d];
      z /= shape[d];
    }
    return offset;
  }
  __device__ std::int64_t of(const std::int64_t (&strides)[kMaxDims], std::int64_t z) const {
    return offset(z, ndim, shape, strides);
  }
};

/// Not inlined: it would stand in every kernel as often as a vector has elements.
__device__ LACUNA_NOINLINE inline float saturated(float v, Epilogue epilogue) {
  return activated(v, epilogue);
}

__device__ inline bool is_aligned(const void* p) {
  return reinterpret_cast<std::uintptr_t>(p) % 16 == 0;
}

/// Where C goes: row m is pixel (image, y, x) of an array with unit stride along columns. Column n is channel n % channels of a
/// pixel of its own where there are more (a patch of `patch_width` pixels a line), which begins at the row's.
template <class T>
struct Out {
  T* p;
  const T* bias = nullptr;
  const T* residual = nullptr;  // laid out as C; may be C
  std::int64_t image_stride = 0, y_stride = 0, x_stride = 0;
  Divider height = 1, width = 0x7fffffff;  // a plain matrix is one image of one line
  Divider channels = 0x7fffffff, patch_width = 1;
  std::int64_t line = 0, pixel = 0;  // from a pixel of the patch to the one below, and to the next
  Epilogue epilogue = Epilogue::none;
  float* moments = nullptr;         // (rows of tiles, 2, moment_columns): of each column
  std::int64_t moment_columns = 0;  // of all groups

  __device__ std::int64_t row(int m) const {
    const int x = m % width, line = m / width;
    return line / height * image_stride + line % height * y_stride + x * x_stride;
  }
  __device__ std::int64_t column(int n) const {
    const int at = n / channels;
    return at / patch_width * line + at % patch_width * pixel + n % channels;
  }
  /// What is stored in column n; `first` is the place of column 0's bias, `added` the residual's element.
  __device__ T finished(float v, const T& added, int n, std::int64_t first) const {
    if (residual) v += static_cast<float>(added);
    if (bias) v += static_cast<float>(bias[first + n % channels]);
    if (epilogue == Epilogue::relu) v = v < 0 ? 0.0f : v;
    if (epilogue >= Epilogue::sigmoid) v = saturated(v, epilogue);
    return T(v);
  }
};

/// k from split * depth on, in each of `count` parts.
struct Splits {
  int count = 1, depth = 0;
  float* partial = nullptr;  // (z, split, m, n)
};

struct GemmSizes {
  int m, n, k;
};

template <class Shape, class A, class B>
__global__ void __launch_bounds__(Shape::kThreads)
    gemm_kernel(A a, B b, Out<typename Shape::T> out, Batches batches, GemmSizes size,
                Splits splits) {
  using T = typename Shape::T;
  using CopyA = TileCopy<Shape, A, Shape::kM>;
  using CopyB = TileCopy<Shape, B, Shape::kN>;
  // The stages; after the last product they are room for 64 rows of C.
  constexpr int kA = CopyA::Tile::kSize, kB = CopyB::Tile::kSize, kStages = Shape::kStages;
  constexpr int kPitch = Shape::kN + 4;
  LACUNA_SHARED(float, room, [(kA + kB) * kStages * sizeof(T) / sizeof(float)]);
  static_assert(sizeof(room) >= 64 * kPitch * sizeof(float) && sizeof(room) <= 48 * 1024);
  T* const stages = reinterpret_cast<T*>(room);

  const int rows = (size.m + Shape::kM - 1) / Shape::kM,
            columns = (size.n + Shape::kN - 1) / Shape::kN;
  const TilePlace place(static_cast<int>(blockIdx.x % (rows * columns)), rows, columns);
  const int part = static_cast<int>(blockIdx.x / (rows * columns));
  const int split = part % splits.count, z = part / splits.count;
  const int m0 = place.m * Shape::kM, n0 = place.n * Shape::kN;

  a.p += batches.of(batches.a, z);
  b.p += batches.of(batches.b, z);
  const int begin = split * splits.depth;
  const int end = begin + splits.depth < size.k ? begin + splits.depth : size.k;
  CopyA copy_a(a, m0);
  CopyB copy_b(b, n0);
  Accumulator<Shape> c;
  AsyncCopies copies;
  // A group a stage, also where nothing is left to copy, so that counting groups says which tile has come.
  const auto start = [&](int k, int stage) {
    T* const tile = stages + stage * (kA + kB);
    if (k < end) {
      copy_a.start(copies, {tile}, a, k, end);
      copy_b.start(copies, {tile + kA}, b, k, end);
    }
    copies.commit();
  };
  const auto finish = [&](int k, int stage) {
    T* const tile = stages + stage * (kA + kB);
    if (k >= end) return;
    copy_a.finish({tile});
    copy_b.finish({tile + kA});
  };
  for (int s = 0; s < kStages - 1; s++) {
    start(begin + s * Shape::kK, s);
    finish(begin + s * Shape::kK, s);
  }
  int now = 0, next = kStages - 1;
  for (int k = begin; k < end; k += Shape::kK) {
    copies.wait_but<kStages - 2>();
    __syncthreads();  // this tile is there, and the one that `next` overwrites is not needed any more
    const int ahead = k + (kStages - 1) * Shape::kK;
    start(ahead, next);
    T* const tile = stages + now * (kA + kB);
    c.multiply(typename CopyA::Tile{tile}, typename CopyB::Tile{tile + kA});
    finish(ahead, next);
    next = now;
    now = now + 1 == kStages ? 0 : now + 1;
  }
  copies.wait();
  __syncthreads();

  // C goes through shared memory, so that each line leaves in whole vectors, in a loop that is not unrolled.
  const std::int64_t base = batches.of(batches.c, z), bias = batches.of(batches.bias, z);
  constexpr int W = 16 / sizeof(T);
  Moments moments;  // of column threadIdx.x
  for (int first = 0; first < Shape::kM; first += 64) {
    c.each(first, [&](int i, int j, float v) { room[(i - first) * kPitch + j] = v; });
    __syncthreads();
    for (int e = threadIdx.x; e < 64 * Shape::kN / W; e += Shape::kThreads) {
      const int i = e / (Shape::kN / W), j = e % (Shape::kN / W) * W;
      const int m = m0 + first + i, n = n0 + j;
      if (m >= size.m || n >= size.n) continue;
      float* const v = &room[i * kPitch + j];
      const int count = size.n - n < W ? size.n - n : W;
      if (splits.partial) {
        float* const to = splits.partial + (std::int64_t{part} * size.m + m) * size.n + n;
        for (int q = 0; q < count; q++) to[q] = v[q];
        continue;
      }
      const std::int64_t row = base + out.row(m), at = row + out.column(n);
      T* const to = out.p + at;
      const T* const residual = out.residual ? out.residual + at : to;
      if (count == W && out.channels % W == 0 && is_aligned(to) && is_aligned(residual)) {
        Vec<T, W> together = {};
        if (out.residual) together = *reinterpret_cast<const Vec<T, W>*>(residual);
        LACUNA_UNROLL
        for (int q = 0; q < W; q++) {
          together.v[q] = out.finished(v[q], together.v[q], n + q, bias);
          v[q] = static_cast<float>(together.v[q]);
        }
        *reinterpret_cast<Vec<T, W>*>(to) = together;
      } else {
        LACUNA_NO_UNROLL
        for (int q = 0; q < count; q++) {
          const std::int64_t one = row + out.column(n + q);
          out.p[one] = out.finished(v[q], out.residual ? out.residual[one] : T(0.0f), n + q, bias);
          v[q] = static_cast<float>(out.p[one]);
        }
      }
    }
    __syncthreads();
    if (!out.moments) continue;
    if (threadIdx.x < Shape::kN) {
      const int left = size.m - m0 - first, column = threadIdx.x;
      const Moments slab =
          moments_of(left < 64 ? left : 64, [&](int i) { return room[i * kPitch + column]; });
      moments.join(slab.mean, slab.centred, slab.count);
    }
    __syncthreads();
  }
  const int n = n0 + static_cast<int>(threadIdx.x);
  if (out.moments && threadIdx.x < Shape::kN && n < size.n) {
    float* const to = out.moments + 2 * place.m * out.moment_columns + base + n;
    to[0] = moments.mean;
    to[out.moment_columns] = moments.centred;
  }
}

template <class T>
__global__ void __launch_bounds__(256)
    gemm_finish(Out<T> out, Batches batches, GemmSizes size, Splits splits) {
  const std::int64_t area = std::int64_t{size.m} * size.n;
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= area * batches.count) return;
  const std::int64_t z = i / area, e = i % area;
  const float* partial = splits.partial + z * splits.count * area + e;
  float sum = 0;
  for (int s = 0; s < splits.count; s++) sum += partial[s * area];
  const int m = static_cast<int>(e / size.n), n = static_cast<int>(e % size.n);
  const std::int64_t at = batches.of(batches.c, z) + out.row(m) + out.column(n);
  out.p[at] =
      out.finished(sum, out.residual ? out.residual[at] : T(0.0f), n, batches.of(batches.bias, z));
}

// ---- launchers ----

/// The least rows of a tile.
inline constexpr int kLeastRows = 64;

/// C lies as partial sums of one part do, (z, m, n), and wants nothing else than the sums.
template <class T>
bool plain(const Out<T>& out, const Batches& batches, GemmSizes size) {
  std::int64_t step = std::int64_t{size.m} * size.n;
  bool yes = !out.bias && out.epilogue == Epilogue::none && !out.residual && !out.moments &&
             out.x_stride == size.n && out.width == Out<T>{}.width &&
             out.channels == Out<T>{}.channels;
  for (int d = batches.ndim - 1; d >= 0; d--) {
    yes = yes && (batches.shape[d] == 1 || batches.c[d] == step);
    step *= batches.shape[d];
  }
  return yes;
}

template <class Shape, class A, class B, class T>
int gemm_tiled(const A& a, const B& b, Out<T> out, const Batches& batches, GemmSizes size,
               Device device, Stream stream) {
  static_assert(Shape::kM >= kLeastRows);
  constexpr bool kSame = std::is_same_v<T, typename Shape::T>;  // else C is f32
  const std::int64_t tiles =
      ceil_div(size.m, Shape::kM) * ceil_div(size.n, Shape::kN) * batches.count;
  // At least 8 steps a part, and two blocks a multiprocessor.
  const std::int64_t steps = ceil_div(size.k, Shape::kK);
  const std::int64_t parts =
      std::clamp<std::int64_t>(2 * kMultiprocessors / std::max<std::int64_t>(tiles, 1), 1,
                               std::max<std::int64_t>(steps / 8, 1));
  Splits splits;
  splits.depth = static_cast<int>(ceil_div(steps, parts) * Shape::kK);
  splits.count =
      static_cast<int>(std::max<std::int64_t>(ceil_div(size.k, std::max(splits.depth, 1)), 1));
  const std::int64_t elements = std::int64_t{size.m} * size.n * batches.count;
  const bool at_once = splits.count == 1 && (kSame || plain(out, batches, size));
  const Workspace<float> partial(device, at_once ? 0 : elements * splits.count);
  splits.partial = partial.data();
  if (!at_once) out.moments = nullptr;
  Out<typename Shape::T> rounded{};
  if constexpr (kSame)
    rounded = out;
  else if (at_once)
    splits.partial = out.p;
  launch({.grid = tiles * splits.count, .block = Shape::kThreads, .stream = stream},
         gemm_kernel<Shape, A, B>, a, b, rounded, batches, size, splits);
  if (!at_once)
    launch({.grid = ceil_div(elements, 256), .block = 256, .stream = stream, .barriers = false},
           gemm_finish<T>, out, batches, size, splits);
  return at_once ? Shape::kM : 0;
}

/// Returns how many rows out.moments are of at a time: kLeastRows or more; 0 where they were not written, since k was split.
template <Math kMath, class A, class B, class T>
int gemm(const A& a, const B& b, const Out<T>& out, const Batches& batches, GemmSizes size,
         Device device, Stream stream) {
  if constexpr (kMath != Math::f32 && A::kVector > 1 && B::kVector > 1) {
    if (ceil_div(size.m, 128) * ceil_div(size.n, 128) * batches.count >= kMultiprocessors)
      return gemm_tiled<TileShape<kMath, true>>(a, b, out, batches, size, device, stream);
  }
  return gemm_tiled<TileShape<kMath, false>>(a, b, out, batches, size, device, stream);
}

/// Calls f(std::integral_constant<Math, ...>) with what the arrays' type and precision() ask for.
template <class F>
void with_math(Dtype dtype, F&& f) {
  if (dtype == Dtype::bf16)
    f(std::integral_constant<Math, Math::bf16>{});
  else if (precision() == Precision::tf32)
    f(std::integral_constant<Math, Math::tf32>{});
  else
    f(std::integral_constant<Math, Math::f32>{});
}

/// Sizes that the kernels count in 32 bits.
inline GemmSizes gemm_sizes(const char* op, std::int64_t m, std::int64_t n, std::int64_t k) {
  LACUNA_CHECK(m < 1 << 30 && n < 1 << 30 && k < 1 << 30, op,
               "a matrix has at most 2^30 rows or columns: got a product of (", m, ", ", k,
               ") and (", k, ", ", n, ")");
  return {static_cast<int>(m), static_cast<int>(n), static_cast<int>(k)};
}

}  // namespace lacuna::LACUNA_NS
