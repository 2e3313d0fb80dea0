// matrix product, batched, with transposed operands as strides
//   math         c = epilogue(a b + residual + bias)
//   shapes       a (batch..., m, k), b (batch..., k, n), c (batch..., m, n), bias (n); f32 (as f32 or tf32) or bf16,
//                where c and bias may be f32
//   traffic      a is read ceil(n / 128) times, b ceil(m / 128) times, mostly out of L2; c is written once
//   launch       one block a tile; see gemm.cuh. On cuda, cuBLASLt where it was asked for (kernels/cublaslt.h)
//   numerics     f32 sums; tf32 rounds operands to 10 bits of fraction
//   determinism  yes: fixed order, also where k is split
//   checked by   tests/ops/matmul.cpp, tests/ops/precision.cpp
//   measured     not measured
#include "../matmul.h"

#include "../cublaslt.h"
#include "gemm.cuh"
#include "sides.cuh"

namespace lacuna::LACUNA_NS {
namespace {

/// The last two dimensions of an operand as lines by depth: for a `line` is dimension -2, for b -1.
struct Operand {
  const Array& array;
  int line, depth;

  std::int64_t lines() const { return array.dim(line); }
  std::int64_t line_stride() const { return array.strides[array.ndim + line]; }
  std::int64_t depth_stride() const { return array.strides[array.ndim + depth]; }
  bool along_k() const {
    return depth_stride() == 1 || (array.dim(depth) <= 1 && line_stride() != 1);
  }
  std::int64_t stride() const { return along_k() ? line_stride() : depth_stride(); }
  // Whether every vector of 16 bytes along the unit stride is aligned.
  bool wide() const {
    const std::int64_t vector = 16 / static_cast<std::int64_t>(size_of(array.dtype));
    bool ok = reinterpret_cast<std::uintptr_t>(array.data) % 16 == 0 && stride() % vector == 0;
    for (int d = 0; d < array.ndim - 2; d++)
      ok = ok && (array.shape[d] == 1 || array.strides[d] % vector == 0);
    return ok;
  }
  template <class T, bool kAlongK>
  MatrixSide<T, kAlongK, 16 / sizeof(T)> side() const {
    return {array.as<T>(), stride(), static_cast<int>(lines()), wide()};
  }
};

template <class F>
void with_direction(bool along_k, F&& f) {
  along_k ? f(std::true_type{}) : f(std::false_type{});
}

}  // namespace

void matmul(const Matmul& p, Stream stream) {
  if (p.c.device.type == DeviceType::cuda && cublaslt::used() && cublaslt::matmul(p, stream))
    return;
  const GemmSizes size = gemm_sizes(p.op, p.c.dim(-2), p.c.dim(-1), p.a.dim(-1));
  Batches batches;
  batches.ndim = p.c.ndim - 2;
  for (int d = 0; d < batches.ndim; d++) {
    batches.count *= batches.shape[d] = p.c.shape[d];
    batches.a[d] = p.a.strides[d];
    batches.b[d] = p.b.strides[d];
    batches.c[d] = p.c.strides[d];
  }
  const Operand a{p.a, -2, -1}, b{p.b, -1, -2};
  with_math(p.a.dtype, [&](auto math) {
    constexpr Math kMath = decltype(math)::value;
    using T = typename TileShape<kMath, false>::T;
    const auto multiply = [&](auto zero) {
      using C = decltype(zero);
      Out<C> out{p.c.as<C>(), p.bias.as<C>(), p.residual.as<C>()};
      out.x_stride = p.c.strides[p.c.ndim - 2];
      out.epilogue = p.epilogue;
      with_direction(a.along_k(), [&](auto a_along) {
        with_direction(b.along_k(), [&](auto b_along) {
          gemm<kMath>(a.side<T, decltype(a_along)::value>(), b.side<T, decltype(b_along)::value>(),
                      out, batches, size, p.c.device, stream);
        });
      });
    };
    p.c.dtype == Dtype::f32 ? multiply(float{}) : multiply(T{});
  });
}

}  // namespace lacuna::LACUNA_NS
