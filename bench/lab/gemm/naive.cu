// Matrix products, rung 1: one thread an element
//   idea       the definition: thread (i, j) walks along row i of a and row j of w
//   memory     two loads a multiply-add. The 32 threads of a warp share a's element, but read w from 32 different rows: 32
//              sectors for one instruction, of which the next 15 steps find the rest in L1, as long as it is still there
//   limit      the load unit: it serves one row of w a cycle or so, while the multiply-adds wait
//   next       shared.cu reads what threads have in common once, together, and keeps it on the chip
//   expected   0.1 to 0.3 % of the tensor cores' rate (1 to 2 TFLOP/s)
//   measured   not measured
#include "problem.cuh"

namespace lacuna::LACUNA_NS::rungs {
namespace {

constexpr int kAcross = 32, kDown = 8;  // of a block

__global__ void __launch_bounds__(kAcross* kDown) naive_kernel(GemmProblem p) {
  const int j = static_cast<int>(blockIdx.x * kAcross + threadIdx.x);
  const int i = static_cast<int>(blockIdx.y * kDown + threadIdx.y);
  if (i >= p.m || j >= p.n) return;
  float sum = 0;
  for (int k = 0; k < p.k; k++)
    sum += static_cast<float>(*p.a(i, k)) * static_cast<float>(*p.w(j, k));
  p.store(i, j, sum);
}

}  // namespace

void gemm_naive(const Matmul& args, Stream stream) {
  const GemmProblem p(args);
  launch({.grid = {ceil_div(p.n, kAcross), ceil_div(p.m, kDown)},
          .block = {kAcross, kDown},
          .stream = stream,
          .barriers = false},
         naive_kernel, p);
}

}  // namespace lacuna::LACUNA_NS::rungs
