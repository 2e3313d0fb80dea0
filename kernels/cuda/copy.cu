// Strided copy, cast and fill
//   math         y = x, converted as C++ converts (bf16 through f32, rounded to nearest even; to bool: x != 0)
//   shapes       any strides; equal dtypes move as plain 1, 2, 4 or 8 bytes, bool is read as u8
//   traffic      x read once, y written once. Where x's contiguous dimension is not y's, tiles of 32 x 32 are turned in
//                shared memory, so that both sides are whole lines (equal dtypes, both dimensions of 8 at least)
//   launch       256 threads, 4 vectors of 16 bytes of the wider side each (elements in place of vectors where these do
//                not fit), and one element each where the dtypes are a rare pair; turning: 32 x 8 threads a tile
//   determinism  yes: elements are independent
//   checked by   tests/emu/copy.cpp, tests/ops (every case that converts or is strided)
//   measured     not measured
#include "../copy.h"

#include <device/launch.cuh>
#include <device/shared.cuh>
#include <device/strided.cuh>

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kTile = 32, kTileRows = 8;

constexpr int kUnroll = 4;

template <class T>
constexpr bool kReal = std::is_same_v<T, float> || std::is_same_v<T, bf16>;

// Pairs that are met every step: f32 and bf16, and pictures as they are read. The others are too many to compile each.
template <class To, class From>
constexpr bool kOften = kReal<To> && (kReal<From> || std::is_same_v<From, std::uint8_t>);

template <class To, class From, int N>
__global__ void __launch_bounds__(kThreads)
    copy_kernel(To* y, const From* x, bool repeated, Vectors<2> vectors) {
  Vec<From, N> in[kUnroll];
  std::int64_t at[kUnroll][2];
  each_vector<kUnroll>(
      vectors.count,
      [&](int u, std::int64_t i) {
        vectors.offsets(i, at[u]);
        load_some(in[u], x + at[u][1], vectors.size - i * N, repeated);
      },
      [&](int u, std::int64_t i) {
        Vec<To, N> out;
        LACUNA_UNROLL
        for (int k = 0; k < N; k++) out.v[k] = convert<To>(in[u].v[k]);
        store_some(y + at[u][0], vectors.size - i * N, out);
      });
}

// An element a thread, of any dtypes.
__global__ void __launch_bounds__(kThreads)
    convert_kernel(void* y, Dtype to, const void* x, Dtype from, Vectors<2> elements) {
  const std::int64_t i = thread_number();
  if (i >= elements.count) return;
  std::int64_t at[2];
  elements.offsets(i, at);
  dispatch_all(from, [&](auto from_zero) {
    const auto value = static_cast<const decltype(from_zero)*>(x)[at[1]];
    dispatch_all(to, [&](auto to_zero) {
      using To = decltype(to_zero);
      static_cast<To*>(y)[at[0]] = convert<To>(value);
    });
  });
}

template <class T, int N>
__global__ void __launch_bounds__(kThreads) fill_kernel(T* y, T value, Vectors<1> vectors) {
  const std::int64_t i = thread_number();
  if (i >= vectors.count) return;
  Vec<T, N> out;
  LACUNA_UNROLL
  for (int k = 0; k < N; k++) out.v[k] = value;
  std::int64_t at[1];
  vectors.offsets(i, at);
  store_some(y + at[0], vectors.size - i * N, out);
}

// Two dimensions: a is contiguous in x, b in y. Strides in elements.
struct Plane {
  std::int64_t a, b, y_of_a, x_of_b;
};

template <class T>
__global__ void __launch_bounds__(kTile* kTileRows)
    transpose_kernel(T* y, const T* x, Plane p, Vectors<2> batch) {
  LACUNA_SHARED(T, tile, [kTile][kTile + 1]);
  const std::int64_t tiles_a = ceil_div(p.a, kTile), tiles_b = ceil_div(p.b, kTile);
  const std::int64_t number = blockIdx.x, plane = number / (tiles_a * tiles_b),
                     in_plane = number % (tiles_a * tiles_b);
  const std::int64_t a = in_plane / tiles_b * kTile, b = in_plane % tiles_b * kTile;
  std::int64_t at[2];
  batch.offsets(plane, at);
  x += at[1];
  y += at[0];
  LACUNA_UNROLL
  for (int r = 0; r < kTile; r += kTileRows) {
    const std::int64_t row = b + r + threadIdx.y, column = a + threadIdx.x;
    if (row < p.b && column < p.a) tile[r + threadIdx.y][threadIdx.x] = x[row * p.x_of_b + column];
  }
  __syncthreads();
  LACUNA_UNROLL
  for (int r = 0; r < kTile; r += kTileRows) {
    const std::int64_t row = a + r + threadIdx.y, column = b + threadIdx.x;
    if (row < p.a && column < p.b) y[row * p.y_of_a + column] = tile[threadIdx.x][r + threadIdx.y];
  }
}

// ---- launchers ----

// Takes the copies that turning makes coalesced; false leaves the others alone.
bool transposes(const Copy& copy, Stream stream) {
  Walk<2> walk({&copy.y, &copy.x});
  int a = walk.ndim - 1;
  while (a >= 0 && walk.strides[1][a] != 1) a--;
  if (a < 0 || walk.outer == 0 || walk.inner_strides[0] != 1 || walk.inner_strides[1] == 1 ||
      walk.inner_strides[1] == 0 || walk.inner < 8 || walk.shape[a] < 8)
    return false;
  const Plane plane{walk.shape[a], walk.inner, walk.strides[0][a], walk.inner_strides[1]};
  // What is left is a batch of planes.
  walk.outer /= plane.a;
  walk.shape[a] = walk.inner = 1;
  const Vectors<2> batch(walk, 1);
  by_size(size_of(copy.y.dtype), [&](auto zero) {
    using T = decltype(zero);
    launch({.grid = batch.count * ceil_div(plane.a, kTile) * ceil_div(plane.b, kTile),
            .block = {kTile, kTileRows},
            .stream = stream},
           transpose_kernel<T>, copy.y.as<T>(), copy.x.as<T>(), plane, batch);
  });
  return true;
}

template <class To, class From>
void copy_typed(const Copy& a, Stream stream) {
  constexpr int kWide = 16 / (sizeof(To) > sizeof(From) ? sizeof(To) : sizeof(From));
  with_vectors<kWide, 2>({&a.y, &a.x}, [&](auto width, const Vectors<2>& vectors) {
    constexpr int N = decltype(width)::value;
    const bool repeated = vectors.repeated(1);
    launch({.grid = blocks_for<kUnroll>(vectors.count),
            .block = kThreads,
            .stream = stream,
            .barriers = false},
           copy_kernel<To, From, N>, a.y.as<To>(), a.x.as<From>(), repeated, vectors);
  });
}

}  // namespace

void copy(const Copy& a, Stream stream) {
  if (a.y.dtype == a.x.dtype || (a.y.dtype == Dtype::u8 && a.x.dtype == Dtype::boolean)) {
    if (transposes(a, stream)) return;
    return by_size(size_of(a.y.dtype),
                   [&](auto zero) { copy_typed<decltype(zero), decltype(zero)>(a, stream); });
  }
  bool done = false;
  dispatch_all(a.y.dtype, [&](auto to) {
    dispatch_all(a.x.dtype, [&](auto from) {
      using To = decltype(to);
      using From = decltype(from);
      if constexpr (kOften<To, From>) {
        copy_typed<To, From>(a, stream);
        done = true;
      }
    });
  });
  if (done) return;
  const Vectors<2> elements(Walk<2>({&a.y, &a.x}), 1);
  launch({.grid = blocks_for<1>(elements.count),
          .block = kThreads,
          .stream = stream,
          .barriers = false},
         convert_kernel, a.y.data, a.y.dtype, a.x.data, a.x.dtype, elements);
}

void fill(const Fill& a, Stream stream) {
  std::uint64_t value = 0;
  dispatch_all(a.y.dtype, [&](auto zero) {
    const auto v = convert<decltype(zero)>(a.value);
    std::memcpy(&value, &v, sizeof(v));
  });
  by_size(size_of(a.y.dtype), [&](auto zero) {
    using T = decltype(zero);
    with_vectors<16 / sizeof(T), 1>({&a.y}, [&](auto width, const Vectors<1>& vectors) {
      constexpr int N = decltype(width)::value;
      launch({.grid = blocks_for<1>(vectors.count),
              .block = kThreads,
              .stream = stream,
              .barriers = false},
             fill_kernel<T, N>, a.y.as<T>(), static_cast<T>(value), vectors);
    });
  });
}

}  // namespace lacuna::LACUNA_NS
