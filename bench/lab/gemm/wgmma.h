#pragma once
// The rung in wgmma.cu, for its tests: c (m, n) = a (m, k) times the transpose of w (n, k).
#include "../../../kernels/matmul.h"

namespace lacuna {
namespace emu::rungs {
void gemm_wgmma(const Matmul& args, Stream stream);
void gemm_wgmma(const Matmul& args, Stream stream, int tile_columns);
}  // namespace emu::rungs
namespace cuda::rungs {
void gemm_wgmma(const Matmul& args, Stream stream);
/// With tiles of 128 x 128 or 128 x 256; the one above chooses.
void gemm_wgmma(const Matmul& args, Stream stream, int tile_columns);
}  // namespace cuda::rungs
}  // namespace lacuna
