// InfoNCE, rung 2: product, scaling and mask, cross-entropy
//   idea       what a framework does, an op at a time: the library's matrix product, a kernel that divides by tau and hides each
//              row's own column, the library's cross-entropy with the positives as targets
//   memory     the scores in bf16, 134 MB at 8,192 x 8,192: written, read and written, read. 0.54 GB move, where a and b have 4 MB
//   numerics   scores of 8 bits, as mixed precision has them elsewhere: a loss is off by up to 2^-9 of its scores, twice
//   limit      memory: each pass takes 30 to 60 us for what the fused kernels never write
//   next       fused.cu never has more than a tile of scores
//   expected   150 to 350 us at 8,192 x 8,192 x 128
//   measured   not measured
#include <device/workspace.cuh>

#include "../../../kernels/backend.h"
#include "../../../kernels/cross_entropy.h"
#include "../../../kernels/matmul.h"
#include "../../../kernels/row_major.h"
#include "problem.cuh"

namespace lacuna::LACUNA_NS::rungs {
namespace {

__global__ void __launch_bounds__(kThreads) score_kernel(bf16* s, InfoNceProblem p) {
  const std::int64_t e = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (e >= std::int64_t{p.a.lines} * p.b.lines) return;
  const int i = static_cast<int>(e / p.b.lines), j = static_cast<int>(e % p.b.lines);
  s[e] = bf16(p.score(i, j, static_cast<float>(s[e])));
}

// stats (m, 2): the maximum of a row, and log sum exp of the row less the maximum.
__global__ void __launch_bounds__(kThreads)
    loss_kernel(const float* stats, const bf16* s, InfoNceProblem p) {
  const int i = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  if (i >= p.a.lines) return;
  const float max = stats[2 * i], log_sum = stats[2 * i + 1];
  p.lse[i] = max + log_sum;
  p.loss[i] = log_sum - (static_cast<float>(s[std::int64_t{i} * p.b.lines + p.positive[i]]) - max);
}

}  // namespace

void info_nce_unfused(const InfoNceForward& args, Stream stream) {
  const InfoNceProblem p(args);
  const Device device = args.rows.device;
  const std::int64_t m = p.a.lines, count = p.b.lines;
  const Workspace<bf16> s(device, m * count);
  const Workspace<float> stats(device, 2 * m), mean(device, 2);
  const Array scores = row_major(s.data(), Dtype::bf16, device, {m, count});
  run<&KernelTable::matmul>(Matmul{scores, args.rows, transposed(args.columns), {}}, device,
                            stream);
  launch({.grid = ceil_div(m * count, kThreads),
          .block = kThreads,
          .stream = stream,
          .barriers = false},
         score_kernel, s.data(), p);
  const auto f32 = [&](float* data, const std::vector<std::int64_t>& shape) {
    return row_major(data, Dtype::f32, device, shape);
  };
  run<&KernelTable::cross_entropy_forward>(
      CrossEntropyForward{f32(mean.data(), {}), f32(stats.data(), {m, 2}), f32(mean.data() + 1, {}),
                          scores, args.positive},
      device, stream);
  launch({.grid = ceil_div(m, kThreads), .block = kThreads, .stream = stream, .barriers = false},
         loss_kernel, stats.data(), s.data(), p);
}

}  // namespace lacuna::LACUNA_NS::rungs
