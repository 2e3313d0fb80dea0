// Convolution, rung 3: the product without the matrix
//   idea       gemm/registers.cu, but a tile of `columns` is gathered from x as it is loaded: (pixel, k) says which tap of
//              which image that is. Blocks make 128 pixels x 64 channels
//   memory     x is read kh kw times for each 64 output channels, mostly out of L2; nothing but y is written
//   limit      the f32 units (about 60 TFLOP/s), and two divisions with remainder a load to find the tap
//   next       the library's kernel (kernels/cuda/conv2d.cu) multiplies on the tensor cores and keeps the arithmetic of taps
//              out of its loop
//   expected   3 to 6 % of the floor (25 to 45 TFLOP/s)
//   measured   not measured
#include "problem.cuh"

namespace lacuna::LACUNA_NS::rungs {
namespace {

constexpr int kDepth = 16;
using Tile = RegisterTile<8, 4>;

template <int N>
__global__ void __launch_bounds__(kThreads) implicit_kernel(ConvProblem p) {
  float* const x_tile = dynamic_shared<float>();
  float* const w_tile = x_tile + kDepth * kPitch<Tile::kM>;
  const int pixel0 = static_cast<int>(blockIdx.x) * Tile::kM;
  const int channel0 = static_cast<int>(blockIdx.y) * Tile::kN;
  Tile tile;
  for (int k0 = 0; k0 < p.weights.depth; k0 += kDepth) {
    load_transposed<N, Tile::kM, kDepth>(x_tile,
                                         [&](int line, int k) { return p(pixel0 + line, k0 + k); });
    load_transposed<N, Tile::kN, kDepth>(
        w_tile, [&](int line, int k) { return p.weights(channel0 + line, k0 + k); });
    __syncthreads();
    tile.multiply(x_tile, w_tile, kDepth);
    __syncthreads();
  }
  LACUNA_UNROLL
  for (int i = 0; i < 8; i++) LACUNA_UNROLL
  for (int j = 0; j < 4; j++) {
    const int pixel = pixel0 + tile.row(i), channel = channel0 + tile.column(j);
    if (pixel < p.pixels && channel < p.weights.lines)
      p.y[std::int64_t{pixel} * p.weights.lines + channel] = bf16(tile.c[i][j]);
  }
}

}  // namespace

void conv_implicit(const Conv2dForward& args, Stream stream) {
  const ConvProblem p(args);
  with_vectors(p, [&](auto n) {
    launch({.grid = {ceil_div(p.pixels, Tile::kM), ceil_div(p.weights.lines, Tile::kN)},
            .block = kThreads,
            .shared_bytes = kDepth * (kPitch<Tile::kM> + kPitch<Tile::kN>)*sizeof(float),
            .stream = stream},
           implicit_kernel<decltype(n)::value>, p);
  });
}

}  // namespace lacuna::LACUNA_NS::rungs
