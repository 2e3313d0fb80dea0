// Matrix products, rung 5: wgmma and TMA, on sm_90a alone
//   idea       nobody waits for memory: one thread has tiles of a and w copied into a ring of 4 stages, by the copy engine and
//              as wgmma wants them in the banks; two warpgroups multiply 64 rows of the block's 128 x kN each, straight out
//              of shared memory, with one step of products always under way. mbarriers hand stages over: full counts bytes,
//              empty the two warpgroups
//   memory     (128 + kN) * 128 bytes from L2 a step of 64 k and block, kN = 256 or 128. Blocks go down 8 rows of tiles before
//              the next column, so that those which run together share what L2 holds. c goes out the way a comes in: rounded
//              into the warpgroup's own part of the ring, then stored by TMA, which leaves out what is past the edges
//   limit      a block starts its first copies when the one before has stored its last column; and 132 blocks at a time
//   next       blocks that stay and take the next tile while they store (persistent), clusters of 2 that share a load of w
//   numerics   sums of 16 in the tensor core, then in f32 registers; one rounding to bf16. Equal bits from run to run
//   sizes      k and n multiples of 8, as a tensor map's strides are of 16 bytes
//   expected   70 to 80 % (550 to 630 TFLOP/s)
//   checked by tests/emu/gemm_wgmma.cpp
//   measured   not measured
#include <device/launch.cuh>
#include <device/mma.cuh>
#include <device/shared.cuh>
#include <device/tile.cuh>
#include <device/tma.cuh>
#include <device/wgmma.cuh>

#include "wgmma.h"

namespace lacuna::LACUNA_NS::rungs {
namespace {

constexpr int kM = 128, kK = 64, kStages = 4, kConsumers = 2;
constexpr int kThreads = (1 + kConsumers) * kWarpgroup;
constexpr int kLine = kK * 2;        // bytes of a tile's line: the span of the swizzle
constexpr int kPattern = 8 * kLine;  // bytes after which the swizzle repeats
constexpr int kBox = 64 * kLine;     // 64 lines: a warpgroup's part of A, or 64 columns of its C
constexpr int kTileA = kM * kLine;   // bytes

template <int kN>
struct Ring {
  static constexpr int kStage = kTileA + kN * kLine;
  static constexpr int kBytes = kStages * kStage;
  unsigned char* bytes;
  __device__ unsigned char* a(int stage) const { return bytes + stage * kStage; }
  __device__ unsigned char* b(int stage) const { return a(stage) + kTileA; }
};

template <int kN>
__device__ void produce(const TensorMap& a, const TensorMap& b, Ring<kN> ring, Mbarrier* full,
                        Mbarrier* empty, int m0, int n0, int steps) {
  for (int step = 0; step < steps; step++) {
    const int stage = step % kStages, round = step / kStages;
    empty[stage].wait((round & 1) ^ 1);  // passes at once in the first round
    full[stage].arrive_expect(Ring<kN>::kStage);
    load_box(ring.a(stage), a, full[stage], step * kK, m0);
    load_box(ring.b(stage), b, full[stage], step * kK, n0);
  }
}

template <int kN>
__device__ void consume(const TensorMap& c, Ring<kN> ring, Mbarrier* full, Mbarrier* empty,
                        int consumer, int m0, int n0, int steps) {
  const int thread = static_cast<int>(threadIdx.x) % kWarpgroup;
  float d[kN / 2];
  for (int step = 0; step < steps; step++) {
    const int stage = step % kStages;
    full[stage].wait(step / kStages & 1);
    const std::uint64_t a = matrix_descriptor(shared_address(ring.a(stage) + consumer * kBox), 16,
                                              kPattern, Swizzle::b128);
    const std::uint64_t b =
        matrix_descriptor(shared_address(ring.b(stage)), 16, kPattern, Swizzle::b128);
    wgmma_fence(d);
    LACUNA_UNROLL
    for (int k = 0; k < kK; k += 16)
      wgmma<kN>(d, advance(a, k * 2), advance(b, k * 2), step > 0 || k > 0);
    wgmma_commit();
    wgmma_wait<1>(d);  // the step before is done with its stage
    if (step > 0 && thread == 0) empty[(step - 1) % kStages].arrive();
  }
  wgmma_wait<0>(d);

  // No copy is under way any more, and this warpgroup's lines of A are read by nobody else: room for 64 columns a stage.
  static_assert(kN / 64 <= kStages);
  const int warp = thread / kWarp, g = thread % kWarp / 4, t = thread % 4;
  LACUNA_UNROLL
  for (int j = 0; j < kN / 8; j++) {
    LACUNA_UNROLL
    for (int half = 0; half < 2; half++) {
      const int row = 16 * warp + 8 * half + g;
      const auto offset = static_cast<std::uint32_t>(row * kLine + j % 8 * 16 + t * 4);
      *reinterpret_cast<std::uint32_t*>(ring.a(j / 8) + consumer * kBox +
                                        swizzled(offset, Swizzle::b128)) =
          pack_bf16(d[4 * j + 2 * half], d[4 * j + 2 * half + 1]);
    }
  }
  fence_async_proxy();
  barrier_sync(1 + consumer, kWarpgroup);
  if (thread == 0) {
    LACUNA_UNROLL
    for (int part = 0; part < kN / 64; part++)
      store_box(c, ring.a(part) + consumer * kBox, n0 + 64 * part, m0 + 64 * consumer);
    commit_stores();
    wait_stores_read<0>();
  }
}

template <int kN>
__global__ void __launch_bounds__(kThreads, 1)
    wgmma_kernel(const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b,
                 const __grid_constant__ TensorMap c, int rows, int columns, int steps) {
  LACUNA_SHARED(Mbarrier, full, [kStages]);
  LACUNA_SHARED(Mbarrier, empty, [kStages]);
  const Ring<kN> ring{dynamic_shared<unsigned char>()};
  const TilePlace place(static_cast<int>(blockIdx.x), rows, columns);
  const int m0 = place.m * kM, n0 = place.n * kN;
  if (threadIdx.x == 0) {
    prefetch_map(a);
    prefetch_map(b);
    for (int s = 0; s < kStages; s++) {
      full[s].init(1);
      empty[s].init(kConsumers);
    }
    mbarrier_init_fence();
  }
  __syncthreads();
  const int warpgroup = static_cast<int>(threadIdx.x) / kWarpgroup;
  if (warpgroup == 0) {
    shrink_registers<40>();
    if (threadIdx.x < kWarp && elect_one()) produce(a, b, ring, full, empty, m0, n0, steps);
  } else {
    grow_registers<232>();
    consume(c, ring, full, empty, warpgroup - 1, m0, n0, steps);
  }
}

template <int kN>
void run(const Matmul& p, int m, int n, int k, Stream stream) {
  const int rows = (m + kM - 1) / kM, columns = (n + kN - 1) / kN, steps = (k + kK - 1) / kK;
  const TensorMap a = encode(matrix_region(p.a.as<bf16>(), m, k, k, kM, kK, Swizzle::b128)),
                  w = encode(matrix_region(p.b.as<bf16>(), n, k, k, kN, kK, Swizzle::b128)),
                  c = encode(matrix_region(p.c.as<bf16>(), m, n, n, 64, 64, Swizzle::b128));
  launch({.grid = std::int64_t{rows} * columns,
          .block = kThreads,
          .shared_bytes = Ring<kN>::kBytes,
          .stream = stream},
         wgmma_kernel<kN>, a, w, c, rows, columns, steps);
}

}  // namespace

void gemm_wgmma(const Matmul& args, Stream stream, int tile_columns) {
  const std::int64_t m = args.a.dim(0), k = args.a.dim(1), n = args.b.dim(1);
  LACUNA_CHECK(
      args.a.ndim == 2 && args.a.dtype == Dtype::bf16 && args.a.contiguous() &&
          args.c.contiguous() && args.b.strides[0] == 1 && args.b.strides[1] == k && !args.bias &&
          args.epilogue == Epilogue::none && !args.residual && k % 8 == 0 && n % 8 == 0 && k > 0,
      args.op,
      "this rung multiplies bf16 rows by rows, k and n multiples of 8, and nothing else: got ",
      describe("a", args.a), ", ", describe("b", args.b));
  LACUNA_CHECK(m < 1 << 30 && n < 1 << 30 && k < 1 << 30, args.op, "at most 2^30 rows: got ",
               describe("a", args.a), ", ", describe("b", args.b));
  if (m == 0 || n == 0) return;
  (tile_columns == 128 ? run<128> : run<256>)(args, static_cast<int>(m), static_cast<int>(n),
                                              static_cast<int>(k), stream);
}

void gemm_wgmma(const Matmul& args, Stream stream) {
  const std::int64_t large = (args.a.dim(0) + 127) / 128 * ((args.b.dim(1) + 255) / 256);
  gemm_wgmma(args, stream, large >= kMultiprocessors ? 256 : 128);
}

}  // namespace lacuna::LACUNA_NS::rungs
