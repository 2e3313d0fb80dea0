// InfoNCE, rung 3: tiles and a running log-sum-exp, on the f32 units
//   idea       gemm/registers.cu, whose block keeps 64 rows and walks over all columns, 128 at a time. A tile of scores goes into
//              each row's running maximum and sum and is forgotten, as in attention/flash.cu without values
//   memory     a and b out of L2, again for every 64 rows; one loss and one lse a row. No scores: O((m + count) depth)
//   limit      the f32 units (60 TFLOP/s: 290 us at 8,192 x 8,192 x 128), and 128 blocks for 132 SMs: one block each, whose
//              eight warps all wait at the same barriers
//   next       the library's kernel (kernels/cuda/info_nce.cu) multiplies on the tensor cores and shares the columns of a row
//              out to several blocks where there are few rows
//   expected   600 us to 1 ms at 8,192 x 8,192 x 128: slower than unfused.cu, in a thousandth of its memory
//   measured   not measured
#include "problem.cuh"

namespace lacuna::LACUNA_NS::rungs {
namespace {

constexpr int kDepth = 16;
using Tile = RegisterTile<4, 8>;

template <int N>
__global__ void __launch_bounds__(kThreads) fused_kernel(InfoNceProblem p) {
  float* const a_tile = dynamic_shared<float>();
  float* const b_tile = a_tile + kDepth * kPitch<Tile::kM>;
  const int i0 = static_cast<int>(blockIdx.x) * Tile::kM;
  int positive[4];
  float max[4], sum[4] = {}, hit[4] = {};  // of this thread's columns; max of the row's
  LACUNA_UNROLL
  for (int i = 0; i < 4; i++) {
    const int row = i0 + Tile::row(i);
    positive[i] = row < p.a.lines ? static_cast<int>(p.positive[row]) : -1;
    max[i] = -INFINITY;
  }
  for (int j0 = 0; j0 < p.b.lines; j0 += Tile::kN) {
    Tile s;
    for (int k0 = 0; k0 < p.a.depth; k0 += kDepth) {
      load_transposed<N, Tile::kM, kDepth>(a_tile,
                                           [&](int line, int k) { return p.a(i0 + line, k0 + k); });
      load_transposed<N, Tile::kN, kDepth>(b_tile,
                                           [&](int line, int k) { return p.b(j0 + line, k0 + k); });
      __syncthreads();
      s.multiply(a_tile, b_tile, kDepth);
      __syncthreads();
    }
    LACUNA_UNROLL
    for (int i = 0; i < 4; i++) {
      float top = max[i], total = 0;
      LACUNA_UNROLL
      for (int j = 0; j < 8; j++) {
        const int column = j0 + s.column(j);
        s.c[i][j] = column < p.b.lines ? p.score(i0 + s.row(i), column, s.c[i][j]) : -INFINITY;
        if (column == positive[i]) hit[i] = s.c[i][j];
        top = fmaxf(top, s.c[i][j]);
      }
      top = Tile::reduce_row<Max>(top);
      const float shift = top == -INFINITY ? 0.0f : top;  // where all columns so far are left out
      LACUNA_UNROLL
      for (int j = 0; j < 8; j++) total += expf(s.c[i][j] - shift);
      sum[i] = sum[i] * expf(max[i] - shift) + total;
      max[i] = top;
    }
  }
  LACUNA_UNROLL
  for (int i = 0; i < 4; i++) {
    const int row = i0 + Tile::row(i);
    const float log_sum = logf(Tile::reduce_row<Sum>(sum[i]));
    const float score = Tile::reduce_row<Sum>(hit[i]);  // one thread has it, the others 0
    if (threadIdx.x % 16 != 0 || row >= p.a.lines) continue;
    p.lse[row] = max[i] + log_sum;
    p.loss[row] = log_sum - (score - max[i]);
  }
}

}  // namespace

void info_nce_fused(const InfoNceForward& args, Stream stream) {
  const InfoNceProblem p(args);
  with_vector_width<bf16>(p.a.depth, {p.a.p, p.b.p}, [&](auto n) {
    launch({.grid = ceil_div(p.a.lines, Tile::kM),
            .block = kThreads,
            .shared_bytes = kDepth * (kPitch<Tile::kM> + kPitch<Tile::kN>)*sizeof(float),
            .stream = stream},
           fused_kernel<decltype(n)::value>, p);
  });
}

}  // namespace lacuna::LACUNA_NS::rungs
