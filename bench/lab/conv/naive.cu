// Convolution, rung 1: one thread an output
//   idea       the definition: a thread walks over the taps and channels that its output sees. Neighbouring threads make
//              neighbouring channels, so that a warp shares its pixel and writes 64 neighbouring bytes
//   memory     two loads a multiply-add, and a warp's weights come from 32 different filters; each pixel is read again for
//              every tap and every output channel, hopefully out of L1
//   limit      the load unit, as in gemm/naive.cu, and integer divisions that say where a tap lies
//   next       im2col.cu writes what each output sees into a matrix, and leaves the rest to a fast product
//   expected   0.2 to 0.5 % of the floor (64 channels and more)
//   measured   not measured
#include "problem.cuh"

namespace lacuna::LACUNA_NS::rungs {
namespace {

__global__ void __launch_bounds__(kThreads) naive_kernel(ConvProblem p) {
  const std::int64_t e = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int channels = p.weights.lines;
  if (e >= std::int64_t{p.pixels} * channels) return;
  const int pixel = static_cast<int>(e / channels), channel = static_cast<int>(e % channels);
  float sum = 0;
  for (int k = 0; k < p.weights.depth; k += p.ci) {
    const bf16* const x = p(pixel, k);
    if (!x) continue;  // outside of the image
    const bf16* const w = p.weights(channel, k);
    for (int c = 0; c < p.ci; c++) sum += static_cast<float>(x[c]) * static_cast<float>(w[c]);
  }
  p.y[e] = bf16(sum);
}

}  // namespace

void conv_naive(const Conv2dForward& args, Stream stream) {
  const ConvProblem p(args);
  launch({.grid = ceil_div(std::int64_t{p.pixels} * p.weights.lines, kThreads),
          .block = kThreads,
          .stream = stream,
          .barriers = false},
         naive_kernel, p);
}

}  // namespace lacuna::LACUNA_NS::rungs
