// Elementwise ops, from kernels/elementwise.def
//   math         f32 inside for f32 and bf16, which is rounded once at the end; integers in their own type
//   shapes       unary: contiguous. The others: results contiguous, operands of any strides (0 broadcasts)
//   traffic      each operand read once, each result written once; a broadcast operand comes from L1
//   launch       256 threads, 2 vectors of 16 bytes an operand each; elements in place of vectors where an operand is
//                neither contiguous nor repeated along the inner dimension, or not aligned; there the kind is told apart on
//                the device, for all the kinds once more would be as much to compile
//   determinism  yes: elements are independent
//   checked by   tests/ops/elementwise.cpp, tests/emu/elementwise.cpp
//   measured     not measured
#include "../elementwise_functors.h"

#include <device/launch.cuh>
#include <device/strided.cuh>

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kUnroll = 2;

// The type of the arithmetic.
template <class T>
using Value = std::conditional_t<std::is_same_v<T, bf16>, float, T>;

// Kinds of which there are many for integers and for bool results are told apart on the device: compiling each alone
// would cost more than it brings where memory sets the pace.
template <class T>
__device__ inline T integer_result(BinaryOp kind, T a, T b) {
  switch (kind) {
#define BINARY(NAME, ...) \
  case BinaryOp::NAME:    \
    return T(0);
#define BINARY_ANY(NAME, ...) \
  case BinaryOp::NAME:        \
    return functor::NAME::forward<T>(a, b);
#include "../elementwise.def"
  }
  return T(0);
}

template <class T>
__device__ inline bool compare_result(CompareOp kind, T a, T b) {
  switch (kind) {
#define COMPARE(NAME, ...) \
  case CompareOp::NAME:    \
    return functor::NAME::test<T>(a, b);
#include "../elementwise.def"
  }
  return false;
}

// A functor whose kind is told apart on the device.
struct AnyUnary {
  UnaryOp kind;
  template <class T>
  __device__ __forceinline__ T forward(T x, T a, T b) const {
    T y{};
    functor::dispatch(kind, [&](auto op) { y = decltype(op)::template forward<T>(x, a, b); });
    return y;
  }
  template <class T>
  __device__ __forceinline__ T gradient(T saved, T a, T b) const {
    T dx{};
    functor::dispatch(kind, [&](auto op) { dx = decltype(op)::template gradient<T>(saved, a, b); });
    return dx;
  }
};
struct AnyBinary {
  BinaryOp kind;
  template <class T>
  __device__ __forceinline__ T forward(T a, T b) const {
    T y{};
    functor::dispatch(kind, [&](auto op) { y = decltype(op)::template forward<T>(a, b); });
    return y;
  }
  template <class T>
  __device__ __forceinline__ T gradient_a(T a, T b) const {
    T da{};
    functor::dispatch(kind, [&](auto op) { da = decltype(op)::template gradient_a<T>(a, b); });
    return da;
  }
  template <class T>
  __device__ __forceinline__ T gradient_b(T a, T b) const {
    T db{};
    functor::dispatch(kind, [&](auto op) { db = decltype(op)::template gradient_b<T>(a, b); });
    return db;
  }
};

template <class Op, class T, int N>
__global__ void __launch_bounds__(kThreads)
    unary_forward_kernel(Op op, T* y, const T* x, std::int64_t size, float a, float b) {
  Vec<T, N> in[kUnroll];
  each_vector<kUnroll>(
      ceil_div(size, N), [&](int u, std::int64_t i) { load_some(in[u], x + i * N, size - i * N); },
      [&](int u, std::int64_t i) {
        Vec<T, N> out;
        LACUNA_UNROLL
        for (int k = 0; k < N; k++)
          out.v[k] = T(op.template forward<float>(static_cast<float>(in[u].v[k]), a, b));
        store_some(y + i * N, size - i * N, out);
      });
}

// dx may be dy: a thread reads its elements before it writes them.
template <class Op, class T, int N>
__global__ void __launch_bounds__(kThreads)
    unary_backward_kernel(Op op, T* dx, const T* dy, const T* saved, std::int64_t size, float a,
                          float b) {
  Vec<T, N> in[kUnroll], g[kUnroll];
  each_vector<kUnroll>(
      ceil_div(size, N),
      [&](int u, std::int64_t i) {
        load_some(in[u], saved + i * N, size - i * N);
        load_some(g[u], dy + i * N, size - i * N);
      },
      [&](int u, std::int64_t i) {
        Vec<T, N> out;
        LACUNA_UNROLL
        for (int k = 0; k < N; k++)
          out.v[k] = T(static_cast<float>(g[u].v[k]) *
                       op.template gradient<float>(static_cast<float>(in[u].v[k]), a, b));
        store_some(dx + i * N, size - i * N, out);
      });
}

// y = f(a, b); f(U a, U b) -> Y. Operand 1 is a, operand 2 is b.
template <int N, class Y, class T, class F>
__device__ __forceinline__ void each_pair(Y* y, const T* a, const T* b, const Vectors<3>& vectors,
                                          F f) {
  Vec<T, N> u[kUnroll], v[kUnroll];
  std::int64_t at[kUnroll][3];
  each_vector<kUnroll>(
      vectors.count,
      [&](int j, std::int64_t i) {
        vectors.offsets(i, at[j]);
        load_some(u[j], a + at[j][1], vectors.size - i * N, vectors.repeated(1));
        load_some(v[j], b + at[j][2], vectors.size - i * N, vectors.repeated(2));
      },
      [&](int j, std::int64_t i) {
        Vec<Y, N> out;
        LACUNA_UNROLL
        for (int k = 0; k < N; k++)
          out.v[k] = Y(f(static_cast<Value<T>>(u[j].v[k]), static_cast<Value<T>>(v[j].v[k])));
        store_some(y + at[j][0], vectors.size - i * N, out);
      });
}

template <class Op, class T, int N>
__global__ void __launch_bounds__(kThreads)
    binary_forward_kernel(Op op, T* y, const T* a, const T* b, Vectors<3> vectors) {
  each_pair<N>(y, a, b, vectors,
               [op](float u, float v) { return op.template forward<float>(u, v); });
}

template <class T, int N>
__global__ void __launch_bounds__(kThreads)
    binary_integer_kernel(BinaryOp kind, T* y, const T* a, const T* b, Vectors<3> vectors) {
  each_pair<N>(y, a, b, vectors, [kind](T u, T v) { return integer_result<T>(kind, u, v); });
}

template <class T, int N>
__global__ void __launch_bounds__(kThreads)
    compare_kernel(CompareOp kind, bool* y, const T* a, const T* b, Vectors<3> vectors) {
  each_pair<N>(y, a, b, vectors,
               [kind](Value<T> u, Value<T> v) { return compare_result<Value<T>>(kind, u, v); });
}

template <class Op, class T, int N>
__global__ void __launch_bounds__(kThreads)
    binary_backward_kernel(Op op, T* da, T* db, const T* dy, const T* a, const T* b,
                           Vectors<3> vectors) {
  Vec<T, N> g[kUnroll], u[kUnroll], v[kUnroll];
  std::int64_t at[kUnroll][3];
  each_vector<kUnroll>(
      vectors.count,
      [&](int j, std::int64_t i) {
        vectors.offsets(i, at[j]);
        load_some(g[j], dy + at[j][0], vectors.size - i * N);
        load_some(u[j], a + at[j][1], vectors.size - i * N, vectors.repeated(1));
        load_some(v[j], b + at[j][2], vectors.size - i * N, vectors.repeated(2));
      },
      [&](int j, std::int64_t i) {
        Vec<T, N> out;
        const auto gradient = [&](int k, float slope) {
          out.v[k] = T(static_cast<float>(g[j].v[k]) * slope);
        };
        if (da) {
          LACUNA_UNROLL
          for (int k = 0; k < N; k++)
            gradient(k, op.template gradient_a<float>(static_cast<float>(u[j].v[k]),
                                                      static_cast<float>(v[j].v[k])));
          store_some(da + at[j][0], vectors.size - i * N, out);
        }
        if (db) {
          LACUNA_UNROLL
          for (int k = 0; k < N; k++)
            gradient(k, op.template gradient_b<float>(static_cast<float>(u[j].v[k]),
                                                      static_cast<float>(v[j].v[k])));
          store_some(db + at[j][0], vectors.size - i * N, out);
        }
      });
}

template <class T, int N>
__global__ void __launch_bounds__(kThreads)
    where_kernel(T* y, const std::uint8_t* condition, const T* a, const T* b, Vectors<4> vectors) {
  const std::int64_t i = thread_number(), left = vectors.size - i * N;
  if (i >= vectors.count) return;
  Vec<std::uint8_t, N> c;
  Vec<T, N> u, v;
  std::int64_t at[4];
  vectors.offsets(i, at);
  load_some(c, condition + at[1], left, vectors.repeated(1));
  load_some(u, a + at[2], left, vectors.repeated(2));
  load_some(v, b + at[3], left, vectors.repeated(3));
  LACUNA_UNROLL
  for (int k = 0; k < N; k++) u.v[k] = c.v[k] ? u.v[k] : v.v[k];
  store_some(y + at[0], left, u);
}

// ---- launchers ----

template <class F>
void by_float(Dtype t, F&& f) {
  t == Dtype::bf16 ? f(bf16{}) : f(float{});
}

template <int N, class F>
void with_op(UnaryOp kind, F&& f) {
  if constexpr (N == 1)
    f(AnyUnary{kind});
  else
    functor::dispatch(kind, f);
}
template <int N, class F>
void with_op(BinaryOp kind, F&& f) {
  if constexpr (N == 1)
    f(AnyBinary{kind});
  else
    functor::dispatch(kind, f);
}

template <int U>
LaunchConfig grid_for(std::int64_t vectors, Stream stream) {
  return {.grid = blocks_for<U>(vectors), .block = kThreads, .stream = stream, .barriers = false};
}

bool aligned(const Array& a) { return reinterpret_cast<std::uintptr_t>(a.data) % 16 == 0; }

}  // namespace

void unary_forward(const UnaryForward& args, Stream stream) {
  const std::int64_t size = args.x.size();
  const auto a = static_cast<float>(args.a), b = static_cast<float>(args.b);
  by_float(args.x.dtype, [&](auto zero) {
    using T = decltype(zero);
    with_vector_width<T>(0, {args.y.data, args.x.data}, [&](auto width) {
      constexpr int N = decltype(width)::value;
      with_op<N>(args.kind, [&](auto op) {
        launch(grid_for<kUnroll>(ceil_div(size, N), stream),
               unary_forward_kernel<decltype(op), T, N>, op, args.y.as<T>(), args.x.as<T>(), size,
               a, b);
      });
    });
  });
}

void unary_backward(const UnaryBackward& args, Stream stream) {
  const std::int64_t size = args.dy.size();
  const auto a = static_cast<float>(args.a), b = static_cast<float>(args.b);
  by_float(args.dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    with_vector_width<T>(0, {args.dx.data, args.dy.data, args.saved.data}, [&](auto width) {
      constexpr int N = decltype(width)::value;
      with_op<N>(args.kind, [&](auto op) {
        launch(grid_for<kUnroll>(ceil_div(size, N), stream),
               unary_backward_kernel<decltype(op), T, N>, op, args.dx.as<T>(), args.dy.as<T>(),
               args.saved.as<T>(), size, a, b);
      });
    });
  });
}

void binary_forward(const BinaryForward& args, Stream stream) {
  dispatch_all(args.y.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, double> && !std::is_same_v<T, bool>)
      with_vectors<16 / sizeof(T), 3>(
          {&args.y, &args.a, &args.b}, [&](auto width, const Vectors<3>& vectors) {
            constexpr int N = decltype(width)::value;
            const LaunchConfig grid = grid_for<kUnroll>(vectors.count, stream);
            T* const y = args.y.as<T>();
            const T *const a = args.a.as<T>(), *const b = args.b.as<T>();
            if constexpr (std::is_integral_v<T>)
              launch(grid, binary_integer_kernel<T, N>, args.kind, y, a, b, vectors);
            else
              with_op<N>(args.kind, [&](auto op) {
                launch(grid, binary_forward_kernel<decltype(op), T, N>, op, y, a, b, vectors);
              });
          });
  });
}

void binary_backward(const BinaryBackward& args, Stream stream) {
  by_float(args.dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    with_vectors<16 / sizeof(T), 3>(
        {&args.dy, &args.a, &args.b},
        [&](auto width, const Vectors<3>& vectors) {
          constexpr int N = decltype(width)::value;
          with_op<N>(args.kind, [&](auto op) {
            launch(grid_for<kUnroll>(vectors.count, stream),
                   binary_backward_kernel<decltype(op), T, N>, op, args.da.as<T>(), args.db.as<T>(),
                   args.dy.as<T>(), args.a.as<T>(), args.b.as<T>(), vectors);
          });
        },
        aligned(args.da) && aligned(args.db));
  });
}

void compare(const Compare& args, Stream stream) {
  dispatch_all(args.a.dtype == Dtype::boolean ? Dtype::u8 : args.a.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool>)
      with_vectors<16 / sizeof(T), 3>(
          {&args.y, &args.a, &args.b}, [&](auto width, const Vectors<3>& vectors) {
            constexpr int N = decltype(width)::value;
            launch(grid_for<kUnroll>(vectors.count, stream), compare_kernel<T, N>, args.kind,
                   args.y.as<bool>(), args.a.as<T>(), args.b.as<T>(), vectors);
          });
  });
}

void where(const Where& args, Stream stream) {
  by_size(size_of(args.y.dtype), [&](auto zero) {
    using T = decltype(zero);
    with_vectors<16 / sizeof(T), 4>(
        {&args.y, &args.condition, &args.a, &args.b}, [&](auto width, const Vectors<4>& vectors) {
          constexpr int N = decltype(width)::value;
          launch(grid_for<1>(vectors.count, stream), where_kernel<T, N>, args.y.as<T>(),
                 args.condition.as<std::uint8_t>(), args.a.as<T>(), args.b.as<T>(), vectors);
        });
  });
}

}  // namespace lacuna::LACUNA_NS
