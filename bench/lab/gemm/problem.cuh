#pragma once
// What every rung of this ladder computes: c (m, n) = a (m, k) times the transpose of w (n, k), a linear layer's product. All
// three are row-major bf16, so that a product's k is the unit stride on both sides; sums are f32.
#include "../../../kernels/matmul.h"
#include "../tile.cuh"

namespace lacuna::LACUNA_NS::rungs {

struct GemmProblem {
  bf16* c;
  Matrix a, w;
  int m, n, k;

  explicit GemmProblem(const Matmul& p)
      : c(p.c.as<bf16>()),
        a{p.a.as<bf16>(), static_cast<int>(p.a.dim(0)), static_cast<int>(p.a.dim(1))},
        w{p.b.as<bf16>(), static_cast<int>(p.b.dim(1)), static_cast<int>(p.b.dim(0))},
        m(a.lines),
        n(w.lines),
        k(a.depth) {
    LACUNA_CHECK(p.a.ndim == 2 && p.a.dtype == Dtype::bf16 && p.a.contiguous() &&
                     p.c.contiguous() && p.b.strides[0] == 1 && p.b.strides[1] == k && !p.bias &&
                     p.epilogue == Epilogue::none && !p.residual,
                 p.op, "this rung multiplies bf16 rows by rows, and nothing else: got ",
                 describe("a", p.a), ", ", describe("b", p.b));
  }
  __device__ void store(int i, int j, float v) const {
    if (i < m && j < n) c[std::int64_t{i} * n + j] = bf16(v);
  }
};

/// Calls f(N) with the number of elements that a tile's loads may take at a time.
template <class F>
void with_vectors(const GemmProblem& p, F&& f) {
  with_vector_width<bf16>(p.k, {p.a.p, p.w.p}, f);
}

}  // namespace lacuna::LACUNA_NS::rungs
