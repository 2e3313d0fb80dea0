// Products by cuBLASLt beside our own kernel. What it is told is tested without it in tests/kernels/cublaslt.cpp.
#include "../../kernels/cublaslt.h"

#include <cmath>

#include "../../kernels/precision.h"
#include "../../kernels/row_major.h"
#include "../emu/twin.h"

namespace lacuna::test {
namespace {

// What the two may differ by: absolute + relative * |result|. Their sums run in other orders; tf32 rounds the operands to 10 bits
// of fraction, each its own way, 256 of them; bf16 rounds the result, where they may end on either side.
struct Arithmetic {
  const char* name;
  Dtype dtype;
  Precision precision;
  double absolute, relative;
};
constexpr Arithmetic kArithmetics[] = {{"f32", Dtype::f32, Precision::f32, 1e-4, 0},
                                       {"tf32", Dtype::f32, Precision::tf32, 2e-2, 0},
                                       {"bf16", Dtype::bf16, Precision::f32, 0x1p-7, 0x1p-7}};

std::vector<double> product(const Arithmetic& arithmetic, std::int64_t m, std::int64_t n,
                            std::int64_t k, bool across, bool extras, bool library) {
  constexpr std::int64_t kBatch = 3;
  Buffers b(DeviceType::cuda);
  b.add(arithmetic.dtype, drawn(kBatch * m * k, -1, 1, 1));
  b.add(arithmetic.dtype, drawn(kBatch * k * n, -1, 1, 2));
  b.add(arithmetic.dtype, drawn(n, -1, 1, 3));
  b.add(arithmetic.dtype, drawn(kBatch * m * n, -1, 1, 4));
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
  set_precision(arithmetic.precision);
  run<&KernelTable::matmul>(p, b.device());
  set_precision(Precision::f32);
  cublaslt::use(false);
  EXPECT_TRUE(b.intact());
  return b.values(3);
}

class CudaCublasLt : public testing::TestWithParam<Arithmetic> {};

}  // namespace

TEST_P(CudaCublasLt, AgreesWithOurKernel) {
  const Arithmetic& arithmetic = GetParam();
  if (!cublaslt::linked()) GTEST_SKIP() << "cuBLASLt is not in this build";
  const Backend* backend = find_backend(DeviceType::cuda);
  if (backend->device_count() == 0) GTEST_SKIP() << backend->why_absent();
  for (const auto& [m, n, k] : {std::tuple{64, 128, 256}, std::tuple{33, 65, 127}})
    for (const bool across : {false, true})
      for (const bool extras : {false, true}) {
        const auto want = product(arithmetic, m, n, k, across, extras, false),
                   got = product(arithmetic, m, n, k, across, extras, true);
        ASSERT_EQ(got.size(), want.size());
        for (std::size_t i = 0; i < want.size(); i++)
          ASSERT_TRUE(std::fabs(got[i] - want[i]) <=
                      arithmetic.absolute + arithmetic.relative * std::fabs(want[i]))
              << got[i] << ", not " << want[i];
      }
}

INSTANTIATE_TEST_SUITE_P(, CudaCublasLt, testing::ValuesIn(kArithmetics),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace lacuna::test
