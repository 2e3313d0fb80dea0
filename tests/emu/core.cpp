// What the emulator promises: rendezvous, orders, poison, and errors that leave it usable.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <set>
#include <thread>

#include "../../kernels/emu/asan.h"
#include "../../kernels/emu/engine.h"
#include "core_kernels.h"
#include "device_buffer.h"
#include "text.h"

namespace lacuna::test {
namespace {

namespace core = emu::core;

TEST(EmuCore, BlockVotes) {
  std::vector<int> out(3 * 40);
  core::block_votes(out.data(), 40);
  for (int i = 0; i < 40; i++) {
    EXPECT_EQ(out[i], i % 3 == 0 ? 14 : 13) << i;
    EXPECT_EQ(out[40 + i], 1);
    EXPECT_EQ(out[80 + i], 0);
  }
}

TEST(EmuCore, ShufflesWithinAWidth) {
  for (int width : {32, 8}) {
    std::vector<int> out(4 * 64);
    core::shuffles(out.data(), 64, width);
    for (int i = 0; i < 64; i++) {
      const int lane = i % 32, first = lane / width * width, last = first + width - 1;
      EXPECT_EQ(out[i], 10 * (first + 3));
      EXPECT_EQ(out[64 + i], 10 * (lane - 2 < first ? lane : lane - 2));
      EXPECT_EQ(out[128 + i], 10 * (lane + 2 > last ? lane : lane + 2));
      EXPECT_EQ(out[192 + i], 10 * (lane ^ 1));
    }
  }
}

TEST(EmuCore, ALaneThatTheBlockLacksGivesPoison) {
  std::vector<int> out(4 * 3);
  core::shuffles(out.data(), 3, 32);
  EXPECT_EQ(out[0], -1);      // lane 3 of a block of 3
  EXPECT_EQ(out[6 + 0], 20);  // lane 2 exists
  EXPECT_EQ(out[6 + 1], -1);
}

TEST(EmuCore, VotesOfPartsOfAWarp) {
  std::vector<unsigned> out(96);
  core::half_warp_votes(out.data());
  for (int lane = 0; lane < 32; lane++) {
    EXPECT_EQ(out[3 * lane], lane < 16 ? 0x0000aaaau : 0xaaaa0000u);
    EXPECT_EQ(out[3 * lane + 1], lane < 16 ? 1u : 0u);
    EXPECT_EQ(out[3 * lane + 2], lane < 16 ? 1u : 0u);
  }
}

TEST(EmuCore, Atomics) {
  std::int64_t sum = 0;
  float total = 0;
  unsigned max = 0;
  int tickets[2] = {0, 0};
  core::atomics(&sum, &total, &max, tickets);
  EXPECT_EQ(sum, 255 * 256 / 2);
  EXPECT_EQ(total, 128.0f);
  EXPECT_EQ(max, 255u);
  EXPECT_EQ(tickets[1], 1);
}

TEST(EmuCore, OrderIsRandomCompleteAndGivenByTheSeed) {
  for (bool barriers : {true, false}) {
    const auto order = [&](std::uint64_t seed) {
      emu::set_seed(seed);
      std::vector<int> out(6 * 64);
      int next = 0;
      core::arrival_order(out.data(), &next, 6, 64, barriers);
      return out;
    };
    std::set<std::vector<int>> orders;
    for (std::uint64_t seed = 1; seed <= 10; seed++) {
      const std::vector<int> o = order(seed);
      EXPECT_EQ(o, order(seed));
      orders.insert(o);
      std::vector<int> sorted = o;
      std::sort(sorted.begin(), sorted.end());
      for (int i = 0; i < 6 * 64; i++) ASSERT_EQ(sorted[i], i);
      for (int k = 1; k < 64; k++)
        EXPECT_EQ(o[k] / 64, o[0] / 64);  // a block ends before the next begins
    }
    EXPECT_EQ(orders.size(), 10u);
  }
}

TEST(EmuCore, SharedAndFreshMemoryAreNan) {
  std::vector<float> out(64);
  core::read_unwritten_shared(out.data(), 32);
  for (float v : out) EXPECT_TRUE(std::isnan(v));
  const Backend& backend = *find_backend(DeviceType::emu);
  auto* fresh = static_cast<float*>(backend.memory.allocate(400, 0));
  for (int i = 0; i < 100; i++) EXPECT_TRUE(std::isnan(fresh[i]));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(fresh) % 256, 0u);
  backend.memory.release(fresh, 400, 0);
}

TEST(EmuCore, AnErrorInOneThreadEndsTheLaunchAndNothingElse) {
  alignas(16) float x[8] = {};
  EXPECT_EQ(error_of([&] { core::one_thread_fails(x, 64, 5); })
                .find("[emu] access of 16 bytes that is not aligned, in "
                      "kernel one_thread_fails_kernel, block ("),
            0u);
  int out = 0;
  core::barriers(&out, 1, 64, 3);
  EXPECT_EQ(out, 3);
}

TEST(EmuCore, WarpDivergence) {
  std::vector<int> out(32);
  EXPECT_EQ(error_of([&] { core::mismatched_masks(out.data()); }),
            "[emu] barrier divergence in kernel mismatched_masks_kernel, block (0, 0, 0): of 32 "
            "threads 16 (0-15) "
            "waiting at __shfl_xor_sync (core_kernels.cu:N) for lanes 0xffffffff; 16 (16-31) left "
            "the kernel");
  EXPECT_EQ(
      error_of([] { core::exited_lane(); }),
      "[emu] barrier divergence in kernel exited_lane_kernel, block (0, 0, 0): of 32 threads 31 "
      "(0-6, 8-31) "
      "waiting at __syncwarp (core_kernels.cu:N) for lanes 0xffffffff; 1 (7) left the kernel");
  EXPECT_EQ(error_of([] { core::lane_not_in_its_mask(); }),
            "[emu] __syncwarp: the mask leaves out the calling lane, in kernel "
            "lane_not_in_its_mask_kernel, block "
            "(0, 0, 0), thread (31, 0, 0)");
}

TEST(EmuCore, BarrierWhereNoneWasAnnounced) {
  const std::string error = error_of([] { core::barrier_in_plain_kernel(); });
  EXPECT_NE(error.find("in a kernel launched with .barriers = false"), std::string::npos) << error;
}

TEST(EmuCore, WritesPastSharedMemory) {
  for (bool dynamic : {false, true}) {
    if (emu::asan::kOn) {
      GTEST_FLAG_SET(death_test_style, "threadsafe");
      EXPECT_DEATH(core::write_past_shared(dynamic), "heap-buffer-overflow");
    } else {
      EXPECT_EQ(error_of([&] { core::write_past_shared(dynamic); }),
                std::string("[emu] kernel write_past_shared_kernel, block (0, 0, 0) wrote outside "
                            "its shared array ") +
                    (dynamic ? "dynamic_shared" : "fixed"));
    }
  }
}

TEST(EmuCore, AThreadMayWaitForAnotherIfItSleeps) {
  for (std::uint64_t seed = 1; seed <= 5; seed++) {
    emu::set_seed(seed);
    int flag = 0;
    core::wait_for_flag(&flag);
    EXPECT_EQ(flag, 1);
  }
}

TEST(EmuCore, ThreeDimensions) {
  std::int64_t out[3] = {};
  core::three_dimensions(out);
  EXPECT_EQ(out[0], 24);
  EXPECT_EQ(out[1], 30);
  EXPECT_EQ(out[2], 720 * 719 / 2);
}

TEST(EmuCore, LimitsOfTheHardware) {
  EXPECT_EQ(
      error_of([] { core::launch_block(1025); }),
      "[launch] barrier_kernel: a block is 1 to 1024 threads, at most 64 deep: got 1025 x 1 x 1");
  EXPECT_NE(error_of([] { core::launch_block(0); }), "");
  EXPECT_NE(error_of([] { core::launch_shared(300000); }), "");
  EXPECT_NE(error_of([] { core::launch_blocks(std::int64_t{1} << 31); }), "");
  EXPECT_EQ(error_of([] { core::launch_blocks(0); }), "");
}

TEST(EmuCore, HostThreadsHaveTheirOwnEngines) {
  std::vector<std::thread> threads;
  std::vector<int> out(4 * 8);
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&, t] { core::barriers(out.data() + 8 * t, 8, 96, t + 1); });
  for (auto& t : threads) t.join();
  for (int i = 0; i < 32; i++) EXPECT_EQ(out[i], i / 8 + 1);
}

// No limit is asserted: the figure depends on the machine. It stands in kernels/emu/engine.h.
TEST(EmuCore, Cost) {
  const auto nanoseconds = [](int threads, auto&& kernel, int blocks, int rounds) {
    double best = 1e30;
    for (int i = 0; i < 5; i++) {
      const auto start = std::chrono::steady_clock::now();
      kernel(blocks, threads, rounds);
      const std::chrono::duration<double, std::nano> time =
          std::chrono::steady_clock::now() - start;
      best = std::min(best, time.count() / blocks / threads / rounds);
    }
    return best;
  };
  std::vector<int> out(16);
  std::vector<float> sums(4 * 1024);
  for (int threads : {32, 128, 256, 1024}) {
    const double barrier = nanoseconds(
        threads, [&](int b, int t, int r) { core::barriers(out.data(), b, t, r); }, 4, 100);
    const double shuffle = nanoseconds(
        threads, [&](int b, int t, int r) { core::warp_sums(sums.data(), b, t, r); }, 4, 20);
    std::cout << "block of " << threads << ": " << barrier << " ns a thread and barrier, "
              << shuffle / 5 << " ns a lane and shuffle\n";
  }
}

}  // namespace
}  // namespace lacuna::test
