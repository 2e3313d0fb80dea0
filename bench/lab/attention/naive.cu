// Attention, rung 1: three kernels
//   idea       the formula, a kernel a line: one thread a score; one thread a row for the softmax; one thread an element of y
//   memory     the scores in f32: 4 bytes x heads x sq x sk, 4.3 GB for 16 heads of 8,192 queries and keys. They are written
//              once and read once a pass of the softmax, of which there are three, and once for each element of y
//   limit      the load unit, as in gemm/naive.cu; a thread that walks along its row shares no sector with its neighbours
//   next       unfused.cu multiplies on the tensor cores and reads rows with whole warps
//   expected   1 to 5 TFLOP/s, 0.1 to 0.6 % of the tensor cores' rate
//   measured   not measured
#include <device/workspace.cuh>

#include "problem.cuh"

namespace lacuna::LACUNA_NS::rungs {
namespace {

constexpr int kAcross = 32, kDown = 8;  // of a block

__global__ void __launch_bounds__(kAcross* kDown) scores_kernel(float* s, AttentionProblem p) {
  const int j = static_cast<int>(blockIdx.x * kAcross + threadIdx.x);
  const int i = static_cast<int>(blockIdx.y * kDown + threadIdx.y);
  const int head = static_cast<int>(blockIdx.z);
  if (i >= p.sq || j >= p.sk) return;
  float sum = 0;
  for (int c = 0; c < p.d; c++)
    sum += static_cast<float>(*p.queries(head)(i, c)) * static_cast<float>(*p.keys(head)(j, c));
  s[(std::int64_t{head} * p.sq + i) * p.sk + j] = p.scale * sum;
}

__global__ void __launch_bounds__(kThreads) softmax_kernel(float* s, AttentionProblem p) {
  const std::int64_t row = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (row >= std::int64_t{p.heads} * p.sq) return;
  s += row * p.sk;
  float max = -INFINITY, sum = 0;
  for (int j = 0; j < p.sk; j++) max = fmaxf(max, s[j]);
  for (int j = 0; j < p.sk; j++) sum += expf(s[j] - max);  // at most 1 each: nothing overflows
  for (int j = 0; j < p.sk; j++) s[j] = expf(s[j] - max) / sum;
  p.lse[row] = max + logf(sum);
}

__global__ void __launch_bounds__(kAcross* kDown)
    output_kernel(const float* probability, AttentionProblem p) {
  const int c = static_cast<int>(blockIdx.x * kAcross + threadIdx.x);
  const int i = static_cast<int>(blockIdx.y * kDown + threadIdx.y);
  const int head = static_cast<int>(blockIdx.z);
  if (i >= p.sq || c >= p.d) return;
  probability += (std::int64_t{head} * p.sq + i) * p.sk;
  float sum = 0;
  for (int j = 0; j < p.sk; j++) sum += probability[j] * static_cast<float>(*p.values(head)(j, c));
  p.result(head)[std::int64_t{i} * p.d + c] = bf16(sum);
}

}  // namespace

void attention_naive(const AttentionForward& args, Stream stream) {
  const AttentionProblem p(args);
  const Workspace<float> s(args.q.device, std::int64_t{p.heads} * p.sq * p.sk);
  const auto config = [&](int across) {
    return LaunchConfig{.grid = {ceil_div(across, kAcross), ceil_div(p.sq, kDown), p.heads},
                        .block = {kAcross, kDown},
                        .stream = stream,
                        .barriers = false};
  };
  launch(config(p.sk), scores_kernel, s.data(), p);
  launch({.grid = ceil_div(std::int64_t{p.heads} * p.sq, kThreads),
          .block = kThreads,
          .stream = stream,
          .barriers = false},
         softmax_kernel, s.data(), p);
  launch(config(p.d), output_kernel, s.data(), p);
}

}  // namespace lacuna::LACUNA_NS::rungs
