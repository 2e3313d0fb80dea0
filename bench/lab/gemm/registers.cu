// Matrix products, rung 3: tiles in registers
//   idea       256 threads make 128 x 128 of c, each 8 x 8 of it in registers (../tile.cuh): 16 floats out of shared memory for
//              64 multiply-adds. The tiles of a and w lie k by k, so that a thread reads 4 neighbouring lines at once
//   memory     each element of a is read n / 128 times, one of w m / 128 times; 16 bytes a load where k allows it
//   limit      the f32 units, 128 multiply-adds an SM and cycle: about 60 TFLOP/s on an H200, whatever the schedule; and
//              the loads are waited for, as nothing else is at hand while they are under way
//   next       mma.cu asks the tensor cores, which do 16 times as much
//   expected   3 to 5 % (25 to 40 TFLOP/s); of the f32 units' rate a half
//   measured   not measured
#include "problem.cuh"

namespace lacuna::LACUNA_NS::rungs {
namespace {

constexpr int kDepth = 16;
using Tile = RegisterTile<8, 8>;

template <int N>
__global__ void __launch_bounds__(kThreads) registers_kernel(GemmProblem p) {
  float* const a_tile = dynamic_shared<float>();
  float* const w_tile = a_tile + kDepth * kPitch<Tile::kM>;
  const int j0 = static_cast<int>(blockIdx.x) * Tile::kN;
  const int i0 = static_cast<int>(blockIdx.y) * Tile::kM;
  Tile tile;
  for (int k0 = 0; k0 < p.k; k0 += kDepth) {
    load_transposed<N, Tile::kM, kDepth>(a_tile,
                                         [&](int line, int k) { return p.a(i0 + line, k0 + k); });
    load_transposed<N, Tile::kN, kDepth>(w_tile,
                                         [&](int line, int k) { return p.w(j0 + line, k0 + k); });
    __syncthreads();
    tile.multiply(a_tile, w_tile, kDepth);
    __syncthreads();
  }
  LACUNA_UNROLL
  for (int i = 0; i < 8; i++) LACUNA_UNROLL
  for (int j = 0; j < 8; j++) p.store(i0 + tile.row(i), j0 + tile.column(j), tile.c[i][j]);
}

}  // namespace

void gemm_registers(const Matmul& args, Stream stream) {
  const GemmProblem p(args);
  with_vectors(p, [&](auto n) {
    launch({.grid = {ceil_div(p.n, Tile::kN), ceil_div(p.m, Tile::kM)},
            .block = kThreads,
            .shared_bytes = kDepth * (kPitch<Tile::kM> + kPitch<Tile::kN>)*sizeof(float),
            .stream = stream},
           registers_kernel<decltype(n)::value>, p);
  });
}

}  // namespace lacuna::LACUNA_NS::rungs
