// InfoNCE, rung 1: one thread a pair
//   idea       the formula, a kernel a line: one thread a score, then one thread a row
//   memory     the scores in f32, 268 MB for 8,192 rows and columns, written once and read twice by threads that share no
//              sector with their neighbours; a and b, as in gemm/naive.cu, again for every score
//   limit      the load unit; then 8,192 threads, a thirtieth of what an H200 keeps under way, read all scores
//   next       unfused.cu does as a framework does
//   expected   10 to 20 ms at 8,192 x 8,192 x 128
//   measured   not measured
#include <device/workspace.cuh>

#include "problem.cuh"

namespace lacuna::LACUNA_NS::rungs {
namespace {

constexpr int kAcross = 32, kDown = 8;  // of a block

__global__ void __launch_bounds__(kAcross* kDown) pair_kernel(float* s, InfoNceProblem p) {
  const int j = static_cast<int>(blockIdx.x * kAcross + threadIdx.x);
  const int i = static_cast<int>(blockIdx.y * kDown + threadIdx.y);
  if (i >= p.a.lines || j >= p.b.lines) return;
  float sum = 0;
  for (int k = 0; k < p.a.depth; k++)
    sum += static_cast<float>(*p.a(i, k)) * static_cast<float>(*p.b(j, k));
  s[std::int64_t{i} * p.b.lines + j] = p.score(i, j, sum);
}

__global__ void __launch_bounds__(kThreads) row_kernel(const float* s, InfoNceProblem p) {
  const int i = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  if (i >= p.a.lines) return;
  s += std::int64_t{i} * p.b.lines;
  float max = -INFINITY, sum = 0;
  for (int j = 0; j < p.b.lines; j++) max = fmaxf(max, s[j]);
  for (int j = 0; j < p.b.lines; j++) sum += expf(s[j] - max);
  p.lse[i] = max + logf(sum);
  p.loss[i] =
      logf(sum) - (s[p.positive[i]] - max);  // not lse - s, which loses the digits of a small loss
}

}  // namespace

void info_nce_naive(const InfoNceForward& args, Stream stream) {
  const InfoNceProblem p(args);
  const Workspace<float> s(args.rows.device, std::int64_t{p.a.lines} * p.b.lines);
  launch({.grid = {ceil_div(p.b.lines, kAcross), ceil_div(p.a.lines, kDown)},
          .block = {kAcross, kDown},
          .stream = stream,
          .barriers = false},
         pair_kernel, s.data(), p);
  launch({.grid = ceil_div(p.a.lines, kThreads),
          .block = kThreads,
          .stream = stream,
          .barriers = false},
         row_kernel, s.data(), p);
}

}  // namespace lacuna::LACUNA_NS::rungs
