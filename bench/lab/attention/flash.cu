// Attention, rung 3: tiles and a running softmax, on the f32 units
//   idea       a block keeps 64 queries and walks over the keys, 64 at a time. Scores exist for one tile. The maximum and the sum
//              of a row are those of the keys so far; where a tile raises the maximum, sum and y so far are multiplied by
//              e^(old - new) (Milakov, Gimelshein 2018; Dao et al. 2022, "FlashAttention")
//   memory     q once, k and v once for each 64 queries, out of L2; y and lse once. The probabilities pass through shared
//              memory, as a thread needs those of its neighbours for p v. k and v take turns in one room
//   limit      the f32 units: 4 sq sk d operations at 60 TFLOP/s at best, and half of that is near, as a 4 x 4 tile a thread
//              reads 8 floats out of shared memory for 16 multiply-adds; exp besides. Two blocks fit an SM, so that one can
//              load or meet at a barrier while the other multiplies
//   next       the library's kernel (kernels/cuda/attention.cu): the same tiles on the tensor cores, where the accumulators of
//              q k^T are the operand of p v as they are, and asynchronous copies
//   expected   1.3 to 3 % (10 to 25 TFLOP/s): less than unfused.cu, with none of its memory
//   measured   not measured
#include "problem.cuh"

namespace lacuna::LACUNA_NS::rungs {
namespace {

constexpr int kQueries = 64, kKeys = 64;
using Scores = RegisterTile<4, 4>;

template <int kD>
constexpr int kRoom =
    kD* kPitch<kKeys> > kKeys* kPitch<kD> ? kD* kPitch<kKeys> : kKeys* kPitch<kD>;  // k or v

// kD: the head's size, filled up with zeros to a multiple of 64.
template <int kD, int N>
__global__ void __launch_bounds__(kThreads) flash_kernel(AttentionProblem p) {
  float* const q_tile = dynamic_shared<float>();
  float* const kv_tile = q_tile + kD * kPitch<kQueries>;
  float* const p_tile = kv_tile + kRoom<kD>;  // key by key
  const int head = static_cast<int>(blockIdx.y), i0 = static_cast<int>(blockIdx.x) * kQueries;
  const Matrix queries = p.queries(head), keys = p.keys(head), values = p.values(head);
  load_transposed<N, kQueries, kD>(q_tile, [&](int i, int c) { return queries(i0 + i, c); });

  float max[4], sum[4] = {};
  LACUNA_UNROLL
  for (int i = 0; i < 4; i++) max[i] = -INFINITY;
  RegisterTile<4, kD / 16> y;
  for (int j0 = 0; j0 < p.sk; j0 += kKeys) {
    __syncthreads();  // nobody reads the last v and p any more
    load_transposed<N, kKeys, kD>(kv_tile, [&](int j, int c) { return keys(j0 + j, c); });
    __syncthreads();
    Scores s;
    s.multiply(q_tile, kv_tile, kD);
    LACUNA_UNROLL
    for (int i = 0; i < 4; i++) {
      float top = max[i], total = 0;
      LACUNA_UNROLL
      for (int j = 0; j < 4; j++) {
        s.c[i][j] = j0 + s.column(j) < p.sk ? p.scale * s.c[i][j] : -INFINITY;
        top = fmaxf(top, s.c[i][j]);
      }
      top = Scores::reduce_row<Max>(top);  // finite: the first tile has a key
      const float rescale = expf(max[i] - top);
      max[i] = top;
      LACUNA_UNROLL
      for (int j = 0; j < 4; j++) {
        const float probability = expf(s.c[i][j] - top);
        p_tile[s.column(j) * kPitch<kQueries> + s.row(i)] = probability;
        total += probability;
      }
      sum[i] = sum[i] * rescale + total;  // of this thread's columns
      LACUNA_UNROLL
      for (int c = 0; c < kD / 16; c++) y.c[i][c] *= rescale;
    }
    __syncthreads();  // p is whole, and nobody reads k any more
    each_vector<float, N, kKeys, kD>([&](int j, int c) { return values(j0 + j, c); },
                                     [&](int j, int c, const float(&v)[N]) {
                                       store_vec(kv_tile, j * kPitch<kD> + c, kRoom<kD>, v);
                                     });
    __syncthreads();
    y.multiply(p_tile, kv_tile, kKeys);
  }

  LACUNA_UNROLL
  for (int i = 0; i < 4; i++) {
    const float total = Scores::reduce_row<Sum>(sum[i]);
    const int query = i0 + y.row(i);
    if (query >= p.sq) continue;
    if (threadIdx.x % 16 == 0) p.lse[std::int64_t{head} * p.sq + query] = max[i] + logf(total);
    LACUNA_UNROLL
    for (int c = 0; c < kD / 16; c++)
      if (y.column(c) < p.d)
        p.result(head)[std::int64_t{query} * p.d + y.column(c)] = bf16(y.c[i][c] / total);
  }
}

}  // namespace

void attention_flash(const AttentionForward& args, Stream stream) {
  const AttentionProblem p(args);
  with_vector_width<bf16>(p.d, {p.q, p.k, p.v}, [&](auto n) {
    const auto start = [&](auto d) {
      constexpr int kD = decltype(d)::value;
      launch({.grid = {ceil_div(p.sq, kQueries), p.heads},
              .block = kThreads,
              .shared_bytes =
                  (kD * kPitch<kQueries> + kRoom<kD> + kKeys * kPitch<kQueries>)*sizeof(float),
              .stream = stream},
             flash_kernel<kD, decltype(n)::value>, p);
    };
    p.d <= 64 ? start(std::integral_constant<int, 64>{})
              : start(std::integral_constant<int, 128>{});
  });
}

}  // namespace lacuna::LACUNA_NS::rungs
