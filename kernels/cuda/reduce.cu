// Sums over any dimensions, and the place of the largest element of a row
//   math         y = sum of x over the dimensions where y has stride 0
//   shapes       any strides, f32 or bf16. Dimensions are taken in the order of x's memory, whatever their own order is. If the
//                innermost is summed, threads go along it (rows); if it stays, they stand side by side on it (columns)
//   traffic      x once, y once. Where outputs are few, each is cut into segments, whose f64 sums (8 bytes for at least
//                64 elements, as a rule for thousands) a second kernel adds
//   launch       rows: a warp (up to 512 vectors of 16 bytes) or a block of 256 threads an output or segment, 4 vectors on
//                their way a thread; columns and rows of up to 16 elements: a thread an output or segment, 16 loads on
//                their way; segments: enough for 1,000 blocks or 130,000 threads. argmax: a warp or a block a row
//   numerics     at most 16 values are added in f32, the rest in f64
//   determinism  yes: the order depends on shapes and strides alone
//   checked by   tests/ops/reduce.cpp, tests/emu/reduce.cpp
//   measured     not measured
#include "../reduce.h"

#include <algorithm>
#include <device/launch.cuh>
#include <device/strided.cuh>
#include <device/sum.cuh>
#include <device/workspace.cuh>

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kBatch = 16;  // f32 values that are added before f64 takes over

// Where the result of segment s of output o goes.
struct Target {
  void* y;
  bool half;        // y is bf16
  double* partial;  // (outputs, segments), or null where there is one segment
  std::int64_t segments;
  __device__ void put(std::int64_t o, std::int64_t s, std::int64_t place, double sum) const {
    if (partial)
      partial[o * segments + s] = sum;
    else
      finish(place, sum);
  }
  __device__ void finish(std::int64_t place, double sum) const {
    if (half)
      static_cast<bf16*>(y)[place] = bf16(static_cast<float>(sum));
    else
      static_cast<float*>(y)[place] = static_cast<float>(sum);
  }
};

// G threads sum a contiguous part of the vectors that make an output. kept: places in y and in x.
template <class T, int G, int N>
__global__ void __launch_bounds__(kThreads)
    sum_rows(Target target, const T* x, Vectors<2> kept, Vectors<1> reduced) {
  const std::int64_t unit = std::int64_t{blockIdx.x} * (kThreads / G) + threadIdx.x / G;
  if (unit >= kept.count * target.segments) return;  // a whole group: none waits for another
  const std::int64_t o = unit / target.segments, s = unit % target.segments;
  const std::int64_t each = ceil_div(reduced.count, target.segments), begin = s * each;
  const std::int64_t end = begin + each < reduced.count ? begin + each : reduced.count;
  std::int64_t at[2];
  kept.offsets(o, at);
  x += at[1];
  constexpr int kVectors = kBatch / N;
  float v[kVectors * N], one[N];
  double sum = 0;
  const auto load = [&](float(&out)[N], std::int64_t i) {
    std::int64_t place[1];
    reduced.offsets(i, place);
    load_vec(out, x + place[0], 0, reduced.size - i * N, 0.0f);
  };
  std::int64_t i = begin + threadIdx.x % G;
  for (; i + (kVectors - 1) * G < end; i += kVectors * G) {
    LACUNA_UNROLL
    for (int u = 0; u < kVectors; u++) {
      load(one, i + u * G);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) v[u * N + k] = one[k];
    }
    sum += pairwise_sum(v);
  }
  for (; i < end; i += G) {
    load(one, i);
    sum += pairwise_sum(one);
  }
  sum = group_sum<G>(sum);
  if (threadIdx.x % G == 0) target.put(o, s, at[0], sum);
}

// A thread sums elements s, s + segments, ... of an output: together the threads of a segment step read x in order.
template <class T>
__global__ void __launch_bounds__(kThreads)
    sum_columns(Target target, const T* x, Vectors<2> kept, Vectors<1> reduced) {
  const std::int64_t number = thread_number();
  if (number >= kept.count * target.segments) return;
  const std::int64_t o = number % kept.count, s = number / kept.count, step = target.segments;
  std::int64_t at[2];
  kept.offsets(o, at);
  x += at[1];
  const auto load = [&](std::int64_t i) {
    std::int64_t place[1];
    reduced.offsets(i, place);
    return static_cast<float>(x[place[0]]);
  };
  double sum = 0;
  std::int64_t i = s;
  for (; i + (kBatch - 1) * step < reduced.count; i += kBatch * step) {
    float v[kBatch];
    LACUNA_UNROLL
    for (int u = 0; u < kBatch; u++) v[u] = load(i + u * step);
    sum += pairwise_sum(v);
  }
  for (; i < reduced.count; i += step) sum += load(i);
  target.put(o, s, at[0], sum);
}

template <int G>
__global__ void __launch_bounds__(kThreads) sum_segments(Target target, Vectors<2> kept) {
  const std::int64_t o = std::int64_t{blockIdx.x} * (kThreads / G) + threadIdx.x / G;
  if (o >= kept.count) return;
  double sum = 0;
  for (std::int64_t s = threadIdx.x % G; s < target.segments; s += G)
    sum += target.partial[o * target.segments + s];
  sum = group_sum<G>(sum);
  std::int64_t at[2];
  kept.offsets(o, at);
  if (threadIdx.x % G == 0) target.finish(at[0], sum);
}

// ---- argmax ----

// Grows with x (shrinks where `smallest`), is the same for both zeros, largest for NaN, and never 0.
__device__ inline std::uint32_t rank_of(float x, bool smallest) {
  if (x != x) return 0xffffffffu;
  const float plain = x + 0.0f;
  std::uint32_t bits;
  memcpy(&bits, &plain, 4);
  bits = bits >> 31 ? ~bits : bits | 0x80000000u;
  return smallest ? ~bits : bits;
}

struct Best {
  std::uint32_t rank = 0;
  std::int64_t index = 0;
  __device__ void take(std::uint32_t other_rank, std::int64_t other) {
    if (other_rank > rank || (other_rank == rank && other < index)) {
      rank = other_rank;
      index = other;
    }
  }
  __device__ void take_of_warp() {
    LACUNA_UNROLL
    for (int d = kWarp / 2; d > 0; d /= 2) {
      const std::uint32_t other_rank = __shfl_xor_sync(kAllLanes, rank, d);
      const std::int64_t other = __shfl_xor_sync(kAllLanes, index, d);
      take(other_rank, other);
    }
  }
};

template <class T, int G>
__global__ void __launch_bounds__(kThreads)
    argmax_kernel(std::int64_t* index, const T* x, std::int64_t rows, std::int64_t n,
                  bool smallest) {
  const std::int64_t row = std::int64_t{blockIdx.x} * (kThreads / G) + threadIdx.x / G;
  if (row >= rows) return;
  x += row * n;
  Best best;
  for (std::int64_t i = threadIdx.x % G; i < n; i += G)
    best.take(rank_of(static_cast<float>(x[i]), smallest), i);
  best.take_of_warp();
  if constexpr (G > kWarp) {
    LACUNA_SHARED(std::uint32_t, ranks, [G / kWarp]);
    LACUNA_SHARED(std::int64_t, places, [G / kWarp]);
    if (threadIdx.x % kWarp == 0) {
      ranks[threadIdx.x / kWarp] = best.rank;
      places[threadIdx.x / kWarp] = best.index;
    }
    __syncthreads();
    for (int w = 0; w < G / kWarp; w++) best.take(ranks[w], places[w]);
  }
  if (threadIdx.x % G == 0) index[row] = best.index;
}

// ---- launchers ----

// The dimensions that stay (y, x) and those that are summed (x), each in the order of x's memory.
struct Form {
  Array kept_y, kept_x, reduced_x;
  explicit Form(const Sum& a) {
    int order[kMaxDims];
    for (int d = 0; d < a.x.ndim; d++) order[d] = d;
    // Repeated elements (stride 0) outermost.
    const auto place = [&](int d) { return a.x.strides[d] == 0 ? INT64_MAX : a.x.strides[d]; };
    std::stable_sort(order, order + a.x.ndim, [&](int p, int q) { return place(p) > place(q); });
    for (int i = 0; i < a.x.ndim; i++) {
      const int d = order[i];
      const std::int64_t size = a.x.shape[d];
      if (a.y.strides[d] == 0) {
        add(reduced_x, size, a.x.strides[d]);
      } else {
        add(kept_y, size, a.y.strides[d]);
        add(kept_x, size, a.x.strides[d]);
      }
    }
    kept_x.data = reduced_x.data = a.x.data;
    kept_x.dtype = reduced_x.dtype = a.x.dtype;
  }

 private:
  static void add(Array& a, std::int64_t size, std::int64_t stride) {
    a.shape[a.ndim] = size;
    a.strides[a.ndim++] = stride;
  }
};

template <class F>
void by_group(bool block, F&& f) {
  block ? f(std::integral_constant<int, int{kThreads}>{}) : f(std::integral_constant<int, kWarp>{});
}

template <int G>
LaunchConfig groups(std::int64_t count, Stream stream) {
  return {.grid = ceil_div(count, kThreads / G), .block = kThreads, .stream = stream};
}

template <class T>
void sum_of(const Sum& a, Stream stream) {
  constexpr int kWide = 16 / sizeof(T);
  const Form form(a);
  const Vectors<2> kept(Walk<2>({&form.kept_y, &form.kept_x}), 1);
  const Walk<1> walk({&form.reduced_x});
  const std::int64_t n = walk.outer * walk.inner, outputs = kept.count;
  if (outputs == 0) return;
  const bool rows = walk.inner_strides[0] == 1 && n > 16;
  bool wide = rows && vectors_fit(walk, {&form.reduced_x}, kWide);
  for (int d = 0; d < form.kept_x.ndim; d++)
    wide = wide && (form.kept_x.shape[d] == 1 || form.kept_x.strides[d] % kWide == 0);
  const Vectors<1> reduced(walk, wide ? kWide : 1);
  const bool block = reduced.count > 512;
  std::int64_t segments = 1;
  if (!rows)
    segments =
        std::min({(std::int64_t{1} << 17) / outputs, ceil_div(n, 64), std::int64_t{1} << 15});
  else if (block)
    segments = std::min(1056 / outputs, ceil_div(reduced.count, 4096));
  segments = std::max<std::int64_t>(segments, 1);
  const Workspace<double> partial(a.x.device, segments > 1 ? outputs * segments : 0);
  const Target target{a.y.data, a.y.dtype == Dtype::bf16, partial.data(), segments};
  const T* const x = a.x.as<T>();
  if (!rows) {
    launch({.grid = ceil_div(outputs * segments, kThreads),
            .block = kThreads,
            .stream = stream,
            .barriers = false},
           sum_columns<T>, target, x, kept, reduced);
  } else {
    by_group(block, [&](auto group) {
      constexpr int G = decltype(group)::value;
      if (wide)
        launch(groups<G>(outputs * segments, stream), sum_rows<T, G, kWide>, target, x, kept,
               reduced);
      else
        launch(groups<G>(outputs * segments, stream), sum_rows<T, G, 1>, target, x, kept, reduced);
    });
  }
  if (segments == 1) return;
  by_group(segments > 1024, [&](auto group) {
    constexpr int G = decltype(group)::value;
    launch(groups<G>(outputs, stream), sum_segments<G>, target, kept);
  });
}

template <class T>
void argmax_of(const Argmax& a, Stream stream) {
  const std::int64_t rows = a.x.dim(0), n = a.x.dim(1);
  by_group(n > 2048, [&](auto group) {
    constexpr int G = decltype(group)::value;
    launch(groups<G>(rows, stream), argmax_kernel<T, G>, a.index.as<std::int64_t>(), a.x.as<T>(),
           rows, n, a.smallest);
  });
}

}  // namespace

void sum(const Sum& a, Stream stream) {
  a.x.dtype == Dtype::bf16 ? sum_of<bf16>(a, stream) : sum_of<float>(a, stream);
}

void argmax(const Argmax& a, Stream stream) {
  a.x.dtype == Dtype::bf16 ? argmax_of<bf16>(a, stream) : argmax_of<float>(a, stream);
}

}  // namespace lacuna::LACUNA_NS
