// Drawing views
//   math         kernels/augment_image_draw.h
//   shapes       ids (N, 2) i64, views (V * N, 16) f32
//   traffic      16 bytes read, 64 written a view
//   launch       a thread a view, 256 a block
//   numerics     f64, products and sums rounded one by one (-fmad=false): the same bits as on cpu
//   determinism  yes: a view depends on its sample and number alone
//   checked by   tests/ops/augment_image.cpp
//   measured     not measured
#include "../augment_image_draw.h"

#include <device/launch.cuh>

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    draw_kernel(View* views, const std::int64_t* ids, std::int64_t rows, std::int64_t samples,
                ViewDraws draws) {
  const std::int64_t row = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (row < rows) views[row] = draw_row(draws, ids, samples, row);
}

}  // namespace

void augment_image_draw(const AugmentImageDraw& a, Stream stream) {
  const std::int64_t rows = a.views.dim(0);
  launch({.grid = (rows + kThreads - 1) / kThreads,
          .block = kThreads,
          .stream = stream,
          .barriers = false},
         draw_kernel, a.views.as<View>(), a.ids.as<std::int64_t>(), rows, a.ids.dim(0),
         ViewDraws(a));
}

}  // namespace lacuna::LACUNA_NS
