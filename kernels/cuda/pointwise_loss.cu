// Losses over two arrays, from kernels/pointwise_loss.def
//   math         y = scale * sum f(a, b); with a mask sum m f(a, b) / sum m, where m = 0 hides even a NaN
//                da = dy * scale * m * df/da, and the same for b
//   shapes       a, b, da, db contiguous, f32 or bf16 each; the mask u8, bool or f32 of any strides
//   traffic      forward: a, b and the mask once; backward: the same, and each gradient written once
//   launch       256 threads, vectors of 4 (elements where the mask, or an address, does not go in vectors);
//                forward: at most 1,056 blocks, whose sums one block adds
//   numerics     f in f32, 4 of them added in f32, the rest in f64
//   determinism  yes: the order depends on the size alone
//   checked by   tests/ops/pointwise_loss.cpp, tests/emu/pointwise_loss.cpp
//   measured     not measured
#include <algorithm>

#include "../pointwise_loss_functors.h"

#include <device/launch.cuh>
#include <device/strided.cuh>
#include <device/sum.cuh>
#include <device/workspace.cuh>

namespace lacuna::LACUNA_NS {
namespace {

constexpr std::int64_t kMaxBlocks = 1056;

struct NoMask {};  // in place of the mask's element type

// f32 or bf16, told apart while running: what differs is a load and a store, and types of a and b would make four times
// as many kernels.
struct Real {
  void* p;
  bool half;
  explicit Real(const Array& a) : p(a.data), half(a.dtype == Dtype::bf16) {}
  template <int N>
  __device__ __forceinline__ void load(Vec<float, N>& out, std::int64_t at,
                                       std::int64_t left) const {
    if (half) {
      Vec<bf16, N> in;
      load_some(in, static_cast<const bf16*>(p) + at, left);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) out.v[k] = static_cast<float>(in.v[k]);
    } else {
      load_some(out, static_cast<const float*>(p) + at, left);
    }
  }
  template <int N>
  __device__ __forceinline__ void store(const Vec<float, N>& in, std::int64_t at,
                                        std::int64_t left) const {
    if (half) {
      Vec<bf16, N> out;
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) out.v[k] = bf16(in.v[k]);
      store_some(static_cast<bf16*>(p) + at, left, out);
    } else {
      store_some(static_cast<float*>(p) + at, left, in);
    }
  }
};

// Vector i of a, b and the mask; where there is none, all weights are 1.
template <class M, int N>
struct Operands {
  Vec<float, N> a, b;
  float weight[N];
  std::int64_t at[2], left;  // places in a and in the mask; elements that are there

  __device__ __forceinline__ void load(const Real& a_, const Real& b_, const M* mask,
                                       const Vectors<2>& vectors, std::int64_t i) {
    vectors.offsets(i, at);
    left = vectors.size - i * N;
    a_.load(a, at[0], left);
    b_.load(b, at[0], left);
    if constexpr (std::is_same_v<M, NoMask>) {
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) weight[k] = k < left ? 1.0f : 0.0f;
    } else {
      Vec<M, N> m;
      load_some(m, mask + at[1], left, vectors.repeated(1));
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) weight[k] = k < left ? static_cast<float>(m.v[k]) : 0.0f;
    }
  }
};

template <class Loss, class M, int N>
__global__ void __launch_bounds__(kThreads)
    forward_kernel(double* losses, double* weights, Real a, Real b, const M* mask,
                   Vectors<2> vectors) {
  double loss = 0, weight = 0;
  for (std::int64_t i = thread_number(); i < vectors.count;
       i += std::int64_t{gridDim.x} * kThreads) {
    Operands<M, N> in;
    in.load(a, b, mask, vectors, i);
    float f[N];
    LACUNA_UNROLL
    for (int k = 0; k < N; k++)
      f[k] = in.weight[k] != 0.0f
                 ? in.weight[k] * Loss::template forward<float>(in.a.v[k], in.b.v[k])
                 : 0.0f;
    loss += pairwise_sum(f);
    weight += pairwise_sum(in.weight);
  }
  loss = group_sum<kThreads>(loss);
  if constexpr (!std::is_same_v<M, NoMask>) weight = group_sum<kThreads>(weight);
  if (threadIdx.x == 0) {
    losses[blockIdx.x] = loss;
    weights[blockIdx.x] = weight;
  }
}

// One block. `scale` is not looked at where there is a mask, that is, a place for the weight.
__global__ void __launch_bounds__(kThreads)
    finish_kernel(float* y, float* weight_out, const double* losses, const double* weights,
                  int blocks, double scale) {
  double loss = 0, weight = 0;
  for (int i = threadIdx.x; i < blocks; i += kThreads) {
    loss += losses[i];
    weight += weights[i];
  }
  loss = group_sum<kThreads>(loss);
  weight = group_sum<kThreads>(weight);
  if (threadIdx.x == 0) {
    if (weight_out) {
      scale = weight == 0 ? 0 : 1 / weight;
      *weight_out = static_cast<float>(scale);
    }
    *y = static_cast<float>(loss * scale);
  }
}

// da may be a and db may be b: a thread reads both before it writes.
template <class Loss, class M, int N>
__global__ void __launch_bounds__(kThreads)
    backward_kernel(Real da, Real db, const float* dy, const float* weight, double scale, Real a,
                    Real b, const M* mask, Vectors<2> vectors) {
  const std::int64_t i = thread_number();
  if (i >= vectors.count) return;
  const auto g = static_cast<float>(*dy * (weight ? static_cast<double>(*weight) : scale));
  Operands<M, N> in;
  in.load(a, b, mask, vectors, i);
  Vec<float, N> out;
  if (da.p) {
    LACUNA_UNROLL
    for (int k = 0; k < N; k++)
      out.v[k] = in.weight[k] != 0.0f
                     ? in.weight[k] * g * Loss::template gradient_a<float>(in.a.v[k], in.b.v[k])
                     : 0.0f;
    da.store(out, in.at[0], in.left);
  }
  if (db.p) {
    LACUNA_UNROLL
    for (int k = 0; k < N; k++)
      out.v[k] = in.weight[k] != 0.0f
                     ? in.weight[k] * g * Loss::template gradient_b<float>(in.a.v[k], in.b.v[k])
                     : 0.0f;
    db.store(out, in.at[0], in.left);
  }
}

// Calls f(width, vectors, mask pointer) for the mask's type, or for none.
template <class F>
void with_mask(const Array& a, const Array& mask, bool allowed, F&& f) {
  const auto typed = [&](const Array& other, const auto* pointer) {
    with_vectors<4, 2>(
        {&a, &other}, [&](auto width, const Vectors<2>& vectors) { f(width, vectors, pointer); },
        allowed);
  };
  if (!mask)
    typed(a, static_cast<const NoMask*>(nullptr));
  else if (mask.dtype == Dtype::f32)
    typed(mask, mask.as<const float>());
  else
    typed(mask, mask.as<const std::uint8_t>());
}

bool aligned(const Array& a) { return reinterpret_cast<std::uintptr_t>(a.data) % 16 == 0; }

template <class T>
using Pointee = std::remove_const_t<std::remove_pointer_t<T>>;

}  // namespace

void pointwise_loss_forward(const PointwiseLossForward& args, Stream stream) {
  with_mask(
      args.a, args.mask, aligned(args.b), [&](auto width, const Vectors<2>& vectors, auto* mask) {
        constexpr int N = decltype(width)::value;
        using M = Pointee<decltype(mask)>;
        const std::int64_t blocks = std::min(blocks_for<2>(vectors.count), kMaxBlocks);
        const Workspace<double> partial(args.a.device, 2 * blocks);
        double *const losses = partial.data(), *const weights = losses + blocks;
        functor::dispatch(args.kind, [&](auto loss) {
          launch({.grid = blocks, .block = kThreads, .stream = stream},
                 forward_kernel<decltype(loss), M, N>, losses, weights, Real(args.a), Real(args.b),
                 mask, vectors);
        });
        launch({.grid = 1, .block = kThreads, .stream = stream}, finish_kernel, args.y.as<float>(),
               args.mask ? args.weight.as<float>() : nullptr, losses, weights, blocks, args.scale);
      });
}

void pointwise_loss_backward(const PointwiseLossBackward& args, Stream stream) {
  with_mask(args.a, args.mask, aligned(args.b) && aligned(args.da) && aligned(args.db),
            [&](auto width, const Vectors<2>& vectors, auto* mask) {
              constexpr int N = decltype(width)::value;
              using M = Pointee<decltype(mask)>;
              functor::dispatch(args.kind, [&](auto loss) {
                launch({.grid = blocks_for<1>(vectors.count),
                        .block = kThreads,
                        .stream = stream,
                        .barriers = false},
                       backward_kernel<decltype(loss), M, N>, Real(args.da), Real(args.db),
                       args.dy.as<float>(), args.mask ? args.weight.as<float>() : nullptr,
                       args.scale, Real(args.a), Real(args.b), mask, vectors);
              });
            });
}

}  // namespace lacuna::LACUNA_NS
