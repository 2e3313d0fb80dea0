// Attention, rung 2: product, softmax, product
//   idea       what a framework does without a fused kernel: the library's matrix product for q k^T and for p v, and between
//              them a kernel that turns scores into probabilities where they lie, one warp a row
//   memory     scores in bf16, the type that the product gives back: 2 bytes x heads x sq x sk, written, read twice, written
//              and read. For 8,192 x 8,192 of a head that is 670 MB, beside 8 MB of q, k, v and y
//   numerics   a score of 8 bits: p is off by up to 1 % where scores are around 4. The fused kernels keep them in f32
//   limit      memory, whatever the products do: their two passes over the scores and the softmax's three
//   next       flash.cu never has more than a tile of scores
//   expected   10 to 18 % (75 to 140 TFLOP/s)
//   measured   not measured
#include <device/reduce.cuh>
#include <device/workspace.cuh>

#include "../../../kernels/backend.h"
#include "../../../kernels/matmul.h"
#include "../../../kernels/row_major.h"
#include "problem.cuh"

namespace lacuna::LACUNA_NS::rungs {
namespace {

constexpr int kRows = kThreads / kWarp;  // of a block

__global__ void __launch_bounds__(kThreads) softmax_kernel(bf16* s, AttentionProblem p) {
  const std::int64_t row = std::int64_t{blockIdx.x} * kRows + threadIdx.y;
  if (row >= std::int64_t{p.heads} * p.sq) return;  // a whole warp, and warps do not meet here
  s += row * p.sk;
  const auto score = [&](int j) { return p.scale * static_cast<float>(s[j]); };
  float max = -INFINITY, sum = 0;
  for (int j = threadIdx.x; j < p.sk; j += kWarp) max = fmaxf(max, score(j));
  max = warp_reduce<Max>(max);
  for (int j = threadIdx.x; j < p.sk; j += kWarp) sum += expf(score(j) - max);
  sum = warp_reduce<Sum>(sum);
  for (int j = threadIdx.x; j < p.sk; j += kWarp) s[j] = bf16(expf(score(j) - max) / sum);
  if (threadIdx.x == 0) p.lse[row] = max + logf(sum);
}

}  // namespace

void attention_unfused(const AttentionForward& args, Stream stream) {
  const AttentionProblem p(args);
  const Device device = args.q.device;
  const Workspace<bf16> s(device, std::int64_t{p.heads} * p.sq * p.sk);
  const auto matrices = [&](void* data, std::int64_t rows, std::int64_t columns) {
    return row_major(data, Dtype::bf16, device, {p.heads, rows, columns});
  };
  const Array scores = matrices(s.data(), p.sq, p.sk);
  run<&KernelTable::matmul>(Matmul{scores,
                                   matrices(args.q.data, p.sq, p.d),
                                   transposed(matrices(args.k.data, p.sk, p.d)),
                                   {}},
                            device, stream);
  launch({.grid = ceil_div(std::int64_t{p.heads} * p.sq, kRows),
          .block = {kWarp, kRows},
          .stream = stream},
         softmax_kernel, s.data(), p);
  run<&KernelTable::matmul>(
      Matmul{matrices(args.y.data, p.sq, p.d), scores, matrices(args.v.data, p.sk, p.d), {}},
      device, stream);
}

}  // namespace lacuna::LACUNA_NS::rungs
