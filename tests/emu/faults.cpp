// emu catches the faults of faults.cu, and passes the same kernels without them.
#include "faults.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>

#include "../../kernels/emu/asan.h"
#include "../../kernels/emu/engine.h"
#include "device_buffer.h"
#include "text.h"

namespace lacuna::test {
namespace {

namespace faults = emu::faults;

class Faults : public testing::Test {
 protected:
  const Backend& emu_ = *find_backend(DeviceType::emu);
  static std::vector<float> counting(int n) {
    std::vector<float> v(n);
    std::iota(v.begin(), v.end(), 1.0f);
    return v;
  }
};

TEST_F(Faults, GuardOffByOneIsSeenByBandsOfTheTest) {
  for (int n : {1, 31, 32, 33}) {
    DeviceBuffer<float> x(emu_, counting(n)), y(emu_, std::vector<float>(n));
    faults::scale(y.data(), x.data(), n, false);
    EXPECT_TRUE(y.bands_intact());
    for (int i = 0; i < n; i++) EXPECT_EQ(y.values()[i], 2.0f * (i + 1));
    faults::scale(y.data(), x.data(), n, true);
    EXPECT_FALSE(y.bands_intact());
  }
}

TEST_F(Faults, GuardOffByOneIsSeenAtTheEndsOfEveryAllocation) {
  const auto run = [&](bool fault) {
    DeviceBuffer<float> x(emu_, counting(33), false), y(emu_, std::vector<float>(33), false);
    faults::scale(y.data(), x.data(), 33, fault);
  };
  EXPECT_NO_THROW(run(false));
  if (emu::asan::kOn) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(run(true), "heap-buffer-overflow");
  } else {
    EXPECT_EQ(error_of([&] { run(true); }),
              "[emu] kernel scale_kernel wrote 0 bytes past the end of an allocation of 132 bytes");
    EXPECT_NO_THROW(run(false));
  }
}

TEST_F(Faults, MissingBarrierBeforeReadingShared) {
  for (std::uint64_t seed = 1; seed <= 20; seed++) {
    emu::set_seed(seed);
    DeviceBuffer<float> x(emu_, counting(64)), y(emu_, std::vector<float>(64));
    faults::reverse(y.data(), x.data(), 64, false);
    for (int i = 0; i < 64; i++) ASSERT_EQ(y.values()[i], 64.0f - i);
    faults::reverse(y.data(), x.data(), 64, true);
    bool poison = false;
    for (float v : y.values()) poison |= std::isnan(v);
    ASSERT_TRUE(poison) << "seed " << seed;
  }
}

TEST_F(Faults, MissingWaitForAsyncCopies) {
  for (int n : {128, 126, 5, 0}) {
    DeviceBuffer<float> x(emu_, counting(n)), y(emu_, std::vector<float>(128));
    faults::async_copy(y.data(), x.data(), n, false);
    for (int i = 0; i < 128; i++) ASSERT_EQ(y.values()[i], i < n ? i + 1.0f : 0.0f);
    faults::async_copy(y.data(), x.data(), n, true);
    for (float v : y.values()) ASSERT_TRUE(std::isnan(v));
  }
}

TEST_F(Faults, MissingBarrierBetweenSteps) {
  for (std::uint64_t seed = 1; seed <= 20; seed++) {
    emu::set_seed(seed);
    DeviceBuffer<float> x(emu_, counting(128)), y(emu_, std::vector<float>(1));
    faults::tree_sum(y.data(), x.data(), 128, false);
    ASSERT_EQ(y.values()[0], 128 * 129 / 2);
    faults::tree_sum(y.data(), x.data(), 128, true);
    ASSERT_NE(y.values()[0], 128 * 129 / 2) << "seed " << seed;
  }
}

TEST_F(Faults, DivergentBarrierNamesKernelBlockAndThreads) {
  DeviceBuffer<float> x(emu_, counting(37)), y(emu_, std::vector<float>(37));
  faults::block_mean(y.data(), x.data(), 37, false);
  EXPECT_EQ(y.values()[0], 16.5f);
  EXPECT_EQ(y.values()[36], (33 + 34 + 35 + 36 + 37) / 32.0f);
  EXPECT_EQ(error_of([&] { faults::block_mean(y.data(), x.data(), 37, true); }),
            "[emu] barrier divergence in kernel block_mean_kernel, block (1, 0, 0): of 32 threads "
            "5 (0-4) waiting at "
            "__syncthreads (faults.cu:N); 27 (5-31) left the kernel");
  EXPECT_NO_THROW(faults::block_mean(y.data(), x.data(), 37, false))
      << "the engine is usable after an error";
}

TEST_F(Faults, DifferentBarriersAreDivergenceToo) {
  DeviceBuffer<float> y(emu_, std::vector<float>(64));
  faults::two_barriers(y.data(), false);
  EXPECT_EQ(y.values()[5], 58.0f);
  EXPECT_EQ(error_of([&] { faults::two_barriers(y.data(), true); }),
            "[emu] barrier divergence in kernel two_barriers_kernel, block (0, 0, 0): of 64 "
            "threads 32 (0-31) waiting at "
            "__syncthreads (faults.cu:N); 32 (32-63) waiting at __syncthreads (faults.cu:N)");
}

}  // namespace
}  // namespace lacuna::test
