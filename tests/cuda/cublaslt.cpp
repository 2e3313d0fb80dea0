// Products by cuBLASLt beside our own kernel. What it is told is tested without it in tests/kernels/cublaslt.cpp.
#include "../../kernels/cublaslt.h"

#include <cmath>

#include "../../kernels/row_major.h"
#include "../emu/twin.h"

namespace lacuna::test {
namespace {

std::vector<double> product(std::int64_t m, std::int64_t n, std::int64_t k, bool across,
                            bool extras, bool library) {
  constexpr std::int64_t kBatch = 3;
  Buffers b(DeviceType::cuda);
  b.add(Dtype::f32, drawn(kBatch * m * k, -1, 1, 1));
  b.add(Dtype::f32, drawn(kBatch * k * n, -1, 1, 2));
  b.add(Dtype::f32, drawn(n, -1, 1, 3));
  b.add(Dtype::f32, drawn(kBatch * m * n, -1, 1, 4));
  Matmul p;
  p.a = across ? transposed(b.array(0, {{kBatch, k, m}})) : b.array(0, {{kBatch, m, k}});
  p.b = across ? transposed(b.array(1, {{kBatch, n, k}})) : b.array(1, {{kBatch, k, n}});
  if (extras) {
    p.bias = b.array(2, {{n}});
    p.epilogue = Epilogue::relu;
    p.residual = b.array(3, {{kBatch, m, n}});
  }
  p.c = b.array(3, {{kBatch, m, n}});
  cublaslt::use(library);
  run<&KernelTable::matmul>(p, b.device());
  cublaslt::use(false);
  EXPECT_TRUE(b.intact());
  return b.values(3);
}

}  // namespace

TEST(CudaCublasLt, AgreesWithOurKernel) {
  if (!cublaslt::linked()) GTEST_SKIP() << "cuBLASLt is not in this build";
  const Backend* backend = find_backend(DeviceType::cuda);
  if (backend->device_count() == 0) GTEST_SKIP() << backend->why_absent();
  for (const auto& [m, n, k] : {std::tuple{64, 128, 256}, std::tuple{33, 65, 127}})
    for (const bool across : {false, true})
      for (const bool extras : {false, true}) {
        const auto want = product(m, n, k, across, extras, false),
                   got = product(m, n, k, across, extras, true);
        for (std::size_t i = 0; i < want.size(); i++)
          ASSERT_TRUE(std::fabs(got[i] - want[i]) <= 1e-4) << got[i] << ", not " << want[i];
      }
}

}  // namespace lacuna::test
