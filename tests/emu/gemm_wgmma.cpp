// The rung of bench/lab/gemm that is made of every header of sm_90a, against f64.
#include "../../kernels/emu/engine.h"
#include "gemm_wgmma_check.h"
#include "text.h"

namespace lacuna::test {
namespace {

constexpr Device kEmu{DeviceType::emu};
const Backend& backend() { return *find_backend(DeviceType::emu); }

TEST(GemmWgmma, AgreesWithF64) {
  std::uint64_t seed = 1;
  check_gemm(backend(), kEmu, [&](const Matmul& args, int tile_columns) {
    emu::set_seed(seed++);
    emu::rungs::gemm_wgmma(args, {}, tile_columns);
  });
}

TEST(GemmWgmma, ManyTilesInGroupsOfRows) {
  GemmCheck g(backend(), kEmu, {9 * 128 + 5, 3 * 128, 64});
  emu::rungs::gemm_wgmma(g.arguments(), {});
  g.expect_right();
}

TEST(GemmWgmma, TheOrderOfThreadsDoesNotMatter) {
  GemmCheck g(backend(), kEmu, {128, 128, 448});
  for (std::uint64_t seed = 1; seed <= 10; seed++) {
    emu::set_seed(seed);
    emu::rungs::gemm_wgmma(g.arguments(), {}, 128);
    ASSERT_NO_FATAL_FAILURE(g.expect_right());
  }
}

TEST(GemmWgmma, RefusesOtherSizes) {
  for (const Sizes& s : {Sizes{8, 8, 12}, {8, 12, 8}}) {
    GemmCheck g(backend(), kEmu, s);
    EXPECT_EQ(error_of([&] {
                emu::rungs::gemm_wgmma(g.arguments(), {});
              }).find("[matmul] this rung multiplies bf16 rows by rows, k and n multiples of 8"),
              0u);
  }
}

}  // namespace
}  // namespace lacuna::test
