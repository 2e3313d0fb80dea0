#pragma once
// What every rung of this ladder computes, for each of `heads` samples and heads: s = scale q k^T (sq, sk), p = softmax(s),
// y = p v, lse = log sum exp s. q, k, v, y are contiguous bf16, lse is f32; no masks, no dropout.
#include "../../../kernels/attention.h"
#include "../tile.cuh"

namespace lacuna::LACUNA_NS::rungs {

struct AttentionProblem {
  bf16* y;
  float* lse;
  const bf16 *q, *k, *v;
  int heads, sq, sk, d;
  float scale;

  explicit AttentionProblem(const AttentionForward& p)
      : y(p.y.as<bf16>()),
        lse(p.lse.as<float>()),
        q(p.q.as<bf16>()),
        k(p.k.as<bf16>()),
        v(p.v.as<bf16>()),
        heads(static_cast<int>(p.q.dim(0) * p.q.dim(1))),
        sq(static_cast<int>(p.q.dim(2))),
        sk(static_cast<int>(p.k.dim(2))),
        d(static_cast<int>(p.q.dim(3))),
        scale(static_cast<float>(p.scale)) {
    LACUNA_CHECK(p.q.dtype == Dtype::bf16 && p.q.contiguous() && p.k.contiguous() &&
                     p.v.contiguous() && p.y.contiguous() && sk > 0 && !p.mask.causal &&
                     p.mask.window == 0 && !p.mask.lengths && !p.mask.blocks && p.dropout.p == 0,
                 p.op, "this rung takes contiguous bf16 and no mask: got ", describe("q", p.q),
                 ", ", describe("k", p.k), ", ", describe("v", p.v));
  }

  // The matrices of a head.
  __device__ Matrix queries(int head) const { return {q + at(head, sq), sq, d}; }
  __device__ Matrix keys(int head) const { return {k + at(head, sk), sk, d}; }
  __device__ Matrix values(int head) const { return {v + at(head, sk), sk, d}; }
  __device__ bf16* result(int head) const { return y + at(head, sq); }

 private:
  __device__ std::int64_t at(int head, int rows) const { return std::int64_t{head} * rows * d; }
};

}  // namespace lacuna::LACUNA_NS::rungs
