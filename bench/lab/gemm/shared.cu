// Matrix products, rung 2: tiles in shared memory
//   idea       a block of 32 x 32 threads makes a tile of c. For every 32 of k it loads a tile of a and one of w, each thread one
//              element of either, waits, and multiplies out of shared memory: an element of a serves 32 columns, one of w 32 rows
//   memory     1/32 of the naive reads. Neighbouring threads read neighbouring k: whole sectors. The + 1 of a row's length puts
//              w_tile[0..31][k] into 32 different banks; without it all 32 would queue for one
//   limit      two reads of shared memory for one multiply-add: an SM reads 32 floats a cycle and could multiply 128 times
//   next       registers.cu has a thread make 64 elements, so that what it reads is used 8 times
//   expected   0.5 to 1 % (4 to 8 TFLOP/s)
//   measured   not measured
#include "problem.cuh"

namespace lacuna::LACUNA_NS::rungs {
namespace {

constexpr int kTile = 32;

__global__ void __launch_bounds__(kTile* kTile) shared_kernel(GemmProblem p) {
  LACUNA_SHARED(float, a_tile, [kTile][kTile + 1]);
  LACUNA_SHARED(float, w_tile, [kTile][kTile + 1]);
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  const int j0 = static_cast<int>(blockIdx.x) * kTile, i0 = static_cast<int>(blockIdx.y) * kTile;
  float sum = 0;
  for (int k0 = 0; k0 < p.k; k0 += kTile) {
    const bf16 *const a = p.a(i0 + y, k0 + x), *const w = p.w(j0 + y, k0 + x);
    a_tile[y][x] = a ? static_cast<float>(*a) : 0.0f;
    w_tile[y][x] = w ? static_cast<float>(*w) : 0.0f;
    __syncthreads();  // the tiles are whole
    LACUNA_UNROLL
    for (int k = 0; k < kTile; k++) sum += a_tile[y][k] * w_tile[x][k];
    __syncthreads();  // nobody reads them any more
  }
  p.store(i0 + y, j0 + x, sum);
}

}  // namespace

void gemm_shared(const Matmul& args, Stream stream) {
  const GemmProblem p(args);
  launch({.grid = {ceil_div(p.n, kTile), ceil_div(p.m, kTile)},
          .block = {kTile, kTile},
          .stream = stream},
         shared_kernel, p);
}

}  // namespace lacuna::LACUNA_NS::rungs
