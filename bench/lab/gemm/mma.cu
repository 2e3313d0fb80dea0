// Matrix products, rung 4: tensor cores
//   idea       a warp multiplies 16 x 16 by 16 x 8 in one instruction, mma.sync, with operands and sums spread over its lanes as
//              device/mma.cuh says. 8 warps make 128 x 128 of c, each 64 x 32 of it: 4 x 4 products, 64 registers of sums
//   memory     tiles stay bf16, line by line; ldmatrix brings four 8 x 8 blocks of them to where mma wants them. Rows are 80
//              bytes apart, so that the 8 rows of a block lie in 8 different groups of banks
//   limit      one tile at a time: load, wait, store, wait, multiply. The tensor cores are idle while memory is under way, and
//              memory while they multiply
//   next       the library's kernel (kernels/cuda/gemm.cuh) loads the next tiles while it multiplies the present ones;
//              wgmma and TMA take the remaining step, as mma.sync ends at about 63 % of the tensor cores' rate
//   expected   15 to 20 % (120 to 160 TFLOP/s)
//   measured   not measured
#include <device/mma.cuh>

#include "problem.cuh"

namespace lacuna::LACUNA_NS::rungs {
namespace {

constexpr int kM = 128, kN = 128, kDepth = 32,
              kRow = kDepth + 8;  // elements of a line in shared memory
constexpr int kWarpM = 64, kWarpN = 32;

template <int N>
__global__ void __launch_bounds__(kThreads) mma_kernel(GemmProblem p) {
  bf16* const a_tile = dynamic_shared<bf16>();
  bf16* const w_tile = a_tile + kM * kRow;
  const int j0 = static_cast<int>(blockIdx.x) * kN, i0 = static_cast<int>(blockIdx.y) * kM;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int row = warp / (kN / kWarpN) * kWarpM, column = warp % (kN / kWarpN) * kWarpN;
  float c[kWarpM / 16][kWarpN / 8][4] = {};
  for (int k0 = 0; k0 < p.k; k0 += kDepth) {
    each_vector<bf16, N, kM, kDepth>(
        [&](int line, int k) { return p.a(i0 + line, k0 + k); },
        [&](int line, int k, const bf16(&v)[N]) { store_vec(a_tile + line * kRow, k, kRow, v); });
    each_vector<bf16, N, kN, kDepth>(
        [&](int line, int k) { return p.w(j0 + line, k0 + k); },
        [&](int line, int k, const bf16(&v)[N]) { store_vec(w_tile + line * kRow, k, kRow, v); });
    __syncthreads();
    LACUNA_UNROLL
    for (int k = 0; k < kDepth; k += 16) {
      std::uint32_t a[kWarpM / 16][4], w[kWarpN / 16][4];
      // Lane l names row l % 8 of block l / 8. Of a: the upper and the lower 8 rows, then the same of the next 8 k.
      LACUNA_UNROLL
      for (int i = 0; i < kWarpM / 16; i++)
        load_matrices<false>(a[i], a_tile + (row + 16 * i + lane % 16) * kRow + k + lane / 16 * 8);
      // Of w: 8 columns of c, both halves of k; then the next 8 columns.
      LACUNA_UNROLL
      for (int j = 0; j < kWarpN / 16; j++)
        load_matrices<false>(w[j], w_tile + (column + 16 * j + lane / 16 * 8 + lane % 8) * kRow +
                                       k + lane / 8 % 2 * 8);
      LACUNA_UNROLL
      for (int i = 0; i < kWarpM / 16; i++) LACUNA_UNROLL
      for (int j = 0; j < kWarpN / 8; j++) {
        const std::uint32_t pair[2] = {w[j / 2][j % 2 * 2], w[j / 2][j % 2 * 2 + 1]};
        mma_m16n8k16_bf16(c[i][j], a[i], pair);
      }
    }
    __syncthreads();
  }
  LACUNA_UNROLL
  for (int i = 0; i < kWarpM / 16; i++) LACUNA_UNROLL
  for (int j = 0; j < kWarpN / 8; j++) LACUNA_UNROLL
  for (int r = 0; r < 4; r++)
    p.store(i0 + row + 16 * i + r / 2 * 8 + lane / 4, j0 + column + 8 * j + lane % 4 * 2 + r % 2,
            c[i][j][r]);
}

}  // namespace

void gemm_mma(const Matmul& args, Stream stream) {
  const GemmProblem p(args);
  with_vectors(p, [&](auto n) {
    launch({.grid = {ceil_div(p.n, kN), ceil_div(p.m, kM)},
            .block = kThreads,
            .shared_bytes = (kM + kN) * kRow * sizeof(bf16),
            .stream = stream},
           mma_kernel<decltype(n)::value>, p);
  });
}

}  // namespace lacuna::LACUNA_NS::rungs
