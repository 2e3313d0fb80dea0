// Elementwise kernels, on cpu, from kernels/elementwise.def.
//   traffic      each input once, each output once; broadcast operands stay in L1
//   method       plain loops over the functors. foreach_target compiles this file once an instruction set, and the compiler
//                turns the loops of each copy into its vectors
//   determinism  yes: elements are independent
#include <algorithm>

#include "../elementwise_functors.h"
#include "../strided.h"
#include "parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/elementwise.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::elementwise::HWY_NAMESPACE {

template <class Op, class T>
HWY_NOINLINE void unary_forward(T* y, const T* x, std::int64_t n, T a, T b) {
  for (std::int64_t i = 0; i < n; i++) y[i] = Op::template forward<T>(x[i], a, b);
}
template <class Op, class T>
HWY_NOINLINE void unary_backward(T* dx, const T* dy, const T* saved, std::int64_t n, T a, T b) {
  for (std::int64_t i = 0; i < n; i++) dx[i] = dy[i] * Op::template gradient<T>(saved[i], a, b);
}

// The stride of an operand along the inner dimension is 1, 0 (broadcast) or anything; the first two are worth a loop each.
template <class F, class T>
HWY_INLINE void each_pair(const T* a, std::int64_t sa, const T* b, std::int64_t sb, std::int64_t n,
                          F f) {
  if (sa == 1 && sb == 1) {
    for (std::int64_t i = 0; i < n; i++) f(i, a[i], b[i]);
  } else if (sa == 1 && sb == 0) {
    const T v = *b;
    for (std::int64_t i = 0; i < n; i++) f(i, a[i], v);
  } else if (sa == 0 && sb == 1) {
    const T v = *a;
    for (std::int64_t i = 0; i < n; i++) f(i, v, b[i]);
  } else {
    for (std::int64_t i = 0; i < n; i++) f(i, a[i * sa], b[i * sb]);
  }
}

template <class Op, class T>
HWY_NOINLINE void binary_forward(T* y, const T* a, std::int64_t sa, const T* b, std::int64_t sb,
                                 std::int64_t n) {
  each_pair(a, sa, b, sb, n,
            [y](std::int64_t i, T u, T v) HWY_ATTR { y[i] = Op::template forward<T>(u, v); });
}
template <class Op, class T>
HWY_NOINLINE void binary_backward(T* da, T* db, const T* dy, const T* a, std::int64_t sa,
                                  const T* b, std::int64_t sb, std::int64_t n) {
  if (da && db) {
    each_pair(a, sa, b, sb, n, [=](std::int64_t i, T u, T v) HWY_ATTR {
      const T g = dy[i];
      da[i] = g * Op::template gradient_a<T>(u, v);
      db[i] = g * Op::template gradient_b<T>(u, v);
    });
  } else if (da) {
    each_pair(a, sa, b, sb, n, [=](std::int64_t i, T u, T v) HWY_ATTR {
      da[i] = dy[i] * Op::template gradient_a<T>(u, v);
    });
  } else if (db) {
    each_pair(a, sa, b, sb, n, [=](std::int64_t i, T u, T v) HWY_ATTR {
      db[i] = dy[i] * Op::template gradient_b<T>(u, v);
    });
  }
}

void unary_forward_f32(UnaryOp kind, float* y, const float* x, std::int64_t n, float a, float b) {
  functor::dispatch(kind,
                    [&](auto op) HWY_ATTR { unary_forward<decltype(op), float>(y, x, n, a, b); });
}
void unary_backward_f32(UnaryOp kind, float* dx, const float* dy, const float* saved,
                        std::int64_t n, float a, float b) {
  functor::dispatch(
      kind, [&](auto op) HWY_ATTR { unary_backward<decltype(op), float>(dx, dy, saved, n, a, b); });
}
void binary_forward_f32(BinaryOp kind, float* y, const float* a, std::int64_t sa, const float* b,
                        std::int64_t sb, std::int64_t n) {
  functor::dispatch(
      kind, [&](auto op) HWY_ATTR { binary_forward<decltype(op), float>(y, a, sa, b, sb, n); });
}
void binary_backward_f32(BinaryOp kind, float* da, float* db, const float* dy, const float* a,
                         std::int64_t sa, const float* b, std::int64_t sb, std::int64_t n) {
  functor::dispatch(kind, [&](auto op) HWY_ATTR {
    binary_backward<decltype(op), float>(da, db, dy, a, sa, b, sb, n);
  });
}

}  // namespace lacuna::cpu::elementwise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace elementwise {
HWY_EXPORT(unary_forward_f32);
HWY_EXPORT(unary_backward_f32);
HWY_EXPORT(binary_forward_f32);
HWY_EXPORT(binary_backward_f32);
auto unary_forward_kernel() { return HWY_DYNAMIC_DISPATCH(unary_forward_f32); }
auto unary_backward_kernel() { return HWY_DYNAMIC_DISPATCH(unary_backward_f32); }
auto binary_forward_kernel() { return HWY_DYNAMIC_DISPATCH(binary_forward_f32); }
auto binary_backward_kernel() { return HWY_DYNAMIC_DISPATCH(binary_backward_f32); }
}  // namespace elementwise

namespace {

constexpr std::int64_t kPiece =
    1 << 14;  // elements: 64 KB an operand, and enough work to pay for a thread

// body(offset of each array, inner begin, count) over pieces of a walk; long rows are cut, short ones are grouped.
template <int K, class Body>
void each_piece(const Walk<K>& walk, Body&& body) {
  const std::int64_t cuts = (walk.inner + kPiece - 1) / std::max<std::int64_t>(kPiece, 1);
  const std::int64_t rows =
      std::max<std::int64_t>(1, kPiece / std::max<std::int64_t>(1, walk.inner));
  parallel_for(walk.outer * cuts, cuts > 1 ? 1 : rows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i++) {
      std::int64_t at[K];
      walk.offsets(i / cuts, at);
      const std::int64_t from = i % cuts * kPiece, count = std::min(kPiece, walk.inner - from);
      for (int k = 0; k < K; k++) at[k] += from * walk.inner_strides[k];
      body(at, count);
    }
  });
}

}  // namespace

void unary_forward(const UnaryForward& args, Stream) {
  const auto kernel = elementwise::unary_forward_kernel();
  parallel_for(args.x.size(), kPiece, [&](std::int64_t begin, std::int64_t end) {
    if (args.x.dtype == Dtype::f32) {
      kernel(args.kind, args.y.as<float>() + begin, args.x.as<float>() + begin, end - begin,
             static_cast<float>(args.a), static_cast<float>(args.b));
      return;
    }
    functor::dispatch(args.kind, [&](auto op) {
      for (std::int64_t i = begin; i < end; i++)
        args.y.as<double>()[i] =
            decltype(op)::template forward<double>(args.x.as<double>()[i], args.a, args.b);
    });
  });
}

void unary_backward(const UnaryBackward& args, Stream) {
  const auto kernel = elementwise::unary_backward_kernel();
  parallel_for(args.dy.size(), kPiece, [&](std::int64_t begin, std::int64_t end) {
    if (args.dy.dtype == Dtype::f32) {
      kernel(args.kind, args.dx.as<float>() + begin, args.dy.as<float>() + begin,
             args.saved.as<float>() + begin, end - begin, static_cast<float>(args.a),
             static_cast<float>(args.b));
      return;
    }
    functor::dispatch(args.kind, [&](auto op) {
      for (std::int64_t i = begin; i < end; i++)
        args.dx.as<double>()[i] =
            args.dy.as<double>()[i] *
            decltype(op)::template gradient<double>(args.saved.as<double>()[i], args.a, args.b);
    });
  });
}

void binary_forward(const BinaryForward& args, Stream) {
  const Walk<3> walk({&args.y, &args.a, &args.b});
  const std::int64_t sa = walk.inner_strides[1], sb = walk.inner_strides[2];
  const auto kernel = elementwise::binary_forward_kernel();
  each_piece(walk, [&](const std::int64_t(&at)[3], std::int64_t n) {
    const auto plain = [&](auto op, auto zero) {
      using T = decltype(zero);
      T* const y = args.y.as<T>() + at[0];
      const T *const a = args.a.as<T>() + at[1], *const b = args.b.as<T>() + at[2];
      for (std::int64_t i = 0; i < n; i++)
        y[i] = decltype(op)::template forward<T>(a[i * sa], b[i * sb]);
    };
    switch (args.y.dtype) {
      case Dtype::f32:
        return kernel(args.kind, args.y.as<float>() + at[0], args.a.as<float>() + at[1], sa,
                      args.b.as<float>() + at[2], sb, n);
      case Dtype::f64:
        return functor::dispatch(args.kind, [&](auto op) { plain(op, double{}); });
      case Dtype::i64:
        return functor::dispatch_integers(args.kind, [&](auto op) { plain(op, std::int64_t{}); });
      case Dtype::i32:
        return functor::dispatch_integers(args.kind, [&](auto op) { plain(op, std::int32_t{}); });
      case Dtype::u8:
        return functor::dispatch_integers(args.kind, [&](auto op) { plain(op, std::uint8_t{}); });
      default:
        return;
    }
  });
}

void binary_backward(const BinaryBackward& args, Stream) {
  // The walk takes the gradients' place from dy: all are contiguous and of one shape.
  const Walk<3> walk({&args.dy, &args.a, &args.b});
  const std::int64_t sa = walk.inner_strides[1], sb = walk.inner_strides[2];
  const auto kernel = elementwise::binary_backward_kernel();
  each_piece(walk, [&](const std::int64_t(&at)[3], std::int64_t n) {
    const auto place = [&](const Array& g, auto zero) {
      return g ? g.as<decltype(zero)>() + at[0] : nullptr;
    };
    if (args.dy.dtype == Dtype::f32) {
      kernel(args.kind, place(args.da, 0.0f), place(args.db, 0.0f), args.dy.as<float>() + at[0],
             args.a.as<float>() + at[1], sa, args.b.as<float>() + at[2], sb, n);
      return;
    }
    double *const da = place(args.da, 0.0), *const db = place(args.db, 0.0);
    const double *const dy = args.dy.as<double>() + at[0], *const a = args.a.as<double>() + at[1],
                        *const b = args.b.as<double>() + at[2];
    functor::dispatch(args.kind, [&](auto op) {
      for (std::int64_t i = 0; i < n; i++) {
        const double g = dy[i], u = a[i * sa], v = b[i * sb];
        if (da) da[i] = g * decltype(op)::template gradient_a<double>(u, v);
        if (db) db[i] = g * decltype(op)::template gradient_b<double>(u, v);
      }
    });
  });
}

void compare(const Compare& args, Stream) {
  const Walk<3> walk({&args.y, &args.a, &args.b});
  const std::int64_t sa = walk.inner_strides[1], sb = walk.inner_strides[2];
  each_piece(walk, [&](const std::int64_t(&at)[3], std::int64_t n) {
    dispatch_all(args.a.dtype, [&](auto zero) {
      using T = decltype(zero);
      using Value = std::conditional_t<std::is_same_v<T, bf16>, float, T>;
      bool* const y = args.y.as<bool>() + at[0];
      const T *const a = args.a.as<T>() + at[1], *const b = args.b.as<T>() + at[2];
      functor::dispatch(args.kind, [&](auto op) {
        for (std::int64_t i = 0; i < n; i++)
          y[i] = decltype(op)::template test<Value>(static_cast<Value>(a[i * sa]),
                                                    static_cast<Value>(b[i * sb]));
      });
    });
  });
}

void where(const Where& args, Stream) {
  const Walk<4> walk({&args.y, &args.condition, &args.a, &args.b});
  const std::int64_t sc = walk.inner_strides[1], sa = walk.inner_strides[2],
                     sb = walk.inner_strides[3];
  each_piece(walk, [&](const std::int64_t(&at)[4], std::int64_t n) {
    dispatch_all(args.y.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* const y = args.y.as<T>() + at[0];
      const bool* const c = args.condition.as<bool>() + at[1];
      const T *const a = args.a.as<T>() + at[2], *const b = args.b.as<T>() + at[3];
      for (std::int64_t i = 0; i < n; i++) y[i] = c[i * sc] ? a[i * sa] : b[i * sb];
    });
  });
}

}  // namespace lacuna::cpu
#endif
