// Convolution, rung 2: a matrix of what each output sees, then a product
//   idea       one kernel copies every pixel to the up to 9 rows of `columns` that see it; the library's matrix product does
//              the rest (Chellapilla et al. 2006)
//   memory     `columns` is kh kw times as large as x, is written once and read once for each tile of output channels: 925 MB
//              for 64 channels of 256 images of 56 x 56, beside 206 MB for x and y
//   limit      memory: with 64 channels the matrix takes several times as long to write and read as the product takes
//   next       implicit.cu never writes the matrix: a tile's loads find in x what it would have held
//   expected   10 to 15 % of the floor at 64 channels, 25 to 45 % at 256 and more
//   measured   not measured
#include <device/workspace.cuh>

#include "../../../kernels/backend.h"
#include "../../../kernels/matmul.h"
#include "../../../kernels/row_major.h"
#include "problem.cuh"

namespace lacuna::LACUNA_NS::rungs {
namespace {

template <int N>
__global__ void __launch_bounds__(kThreads) columns_kernel(bf16* columns, ConvProblem p) {
  const std::int64_t e = (std::int64_t{blockIdx.x} * kThreads + threadIdx.x) * N;
  const int depth = p.weights.depth;
  if (e >= std::int64_t{p.pixels} * depth) return;
  const bf16* const from = p(static_cast<int>(e / depth), static_cast<int>(e % depth));
  bf16 v[N];
  load_vec(v, from, 0, from ? N : 0, bf16(0.0f));
  store_vec(columns, e, e + N, v);
}

}  // namespace

void conv_im2col(const Conv2dForward& args, Stream stream) {
  const ConvProblem p(args);
  const Device device = args.x.device;
  const std::int64_t pixels = p.pixels, depth = p.weights.depth, channels = p.weights.lines;
  const Workspace<bf16> columns(device, pixels * depth);
  with_vectors(p, [&](auto n) {
    constexpr int N = decltype(n)::value;
    launch({.grid = ceil_div(pixels * depth / N, kThreads),
            .block = kThreads,
            .stream = stream,
            .barriers = false},
           columns_kernel<N>, columns.data(), p);
  });
  const auto matrix = [&](void* data, std::int64_t rows, std::int64_t width) {
    return row_major(data, Dtype::bf16, device, {rows, width});
  };
  run<&KernelTable::matmul>(Matmul{matrix(args.y.data, pixels, channels),
                                   matrix(columns.data(), pixels, depth),
                                   transposed(matrix(args.weight.data, channels, depth)),
                                   {}},
                            device, stream);
}

}  // namespace lacuna::LACUNA_NS::rungs
