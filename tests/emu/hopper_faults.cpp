// Faults in the use of mbarriers, tensor copies and products of warpgroups: emu reports each, or shows it as NaN.
#include <cmath>

#include "../../kernels/emu/engine.h"
#include "hopper_check.h"
#include "text.h"

namespace lacuna::test {
namespace {

namespace hopper = emu::hopper;

class HopperFaults : public testing::Test {
 protected:
  const Backend& emu_ = *find_backend(DeviceType::emu);

  std::string of_ring(Fault fault, bool poll = false) {
    std::vector<int> out(4 * 64);
    return error_of([&] { hopper::ring(out.data(), 4, 2, poll, fault); });
  }

  const Box box_ = box2(64, 16, 128, 64, 16, 0, 0, 3);
  std::string of_load(Fault fault, Bytes* image = nullptr) {
    DeviceBuffer<unsigned char> data(emu_, random_bytes(region_bytes(box_), 1)),
        to(emu_, Bytes(box_bytes(box_)));
    const std::string error = error_of([&] { hopper::load(to.data(), data.data(), box_, fault); });
    if (image) *image = to.values();
    return error;
  }
  std::string of_store(Fault fault) {
    DeviceBuffer<unsigned char> data(emu_, Bytes(region_bytes(box_))),
        image(emu_, random_bytes(box_bytes(box_), 3));
    return error_of([&] { hopper::store(data.data(), image.data(), box_, fault); });
  }

  std::string of_products(Fault fault, std::vector<float>* sums = nullptr, int rounds = 1,
                          void (*change)(ProductCase&) = nullptr) {
    const auto a = small_integers(64 * 64, 4), b = small_integers(64 * 64, 5);
    const Tile a_tile = tile_of(a, 64, 64, false, 3), b_tile = tile_of(b, 64, 64, false, 3);
    DeviceBuffer<unsigned char> a_bytes(emu_, a_tile.bytes), b_bytes(emu_, b_tile.bytes);
    DeviceBuffer<float> d(emu_, std::vector<float>(64 * 64));
    ProductCase c{64, 64, 3, rounds, a_tile.image, b_tile.image};
    c.a.bytes = a_bytes.data();
    c.b.bytes = b_bytes.data();
    if (change) change(c);
    const std::string error = error_of([&] {
      if (fault == Fault::none)
        hopper::products(d.data(), c);
      else
        hopper::faulty_products(d.data(), c, fault);
    });
    if (sums) *sums = d.values();
    return error;
  }
};

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}
#define EXPECT_STARTS(text, start)                          \
  do {                                                      \
    const std::string got = text;                           \
    EXPECT_TRUE(starts_with(got, start)) << "got: " << got; \
  } while (0)

TEST_F(HopperFaults, Mbarriers) {
  EXPECT_EQ(of_ring(Fault::none), "");
  EXPECT_STARTS(of_ring(Fault::init_twice),
                "[emu] mbarrier.init: mbarrier full[0] is initialised already, in kernel "
                "ring_kernel, block (0, 0, 0), thread (0, 0, 0)");
  EXPECT_STARTS(of_ring(Fault::no_init), "[emu] mbarrier ");
  EXPECT_NE(of_ring(Fault::no_init).find("is not initialised, in kernel ring_kernel"),
            std::string::npos);
  EXPECT_STARTS(of_ring(Fault::arrive_too_often),
                "[emu] mbarrier.arrive: mbarrier done[1] has all 1 arrivals of its phase, which "
                "lacks 64 bytes, in kernel arrivals_kernel, block (0, 0, 0), thread (0, 0, 0)");
}

TEST_F(HopperFaults, AParityThatNeverComes) {
  for (bool poll : {false, true}) {
    const std::string wait = poll ? "mbarrier.try_wait" : "mbarrier wait";
    EXPECT_EQ(
        of_ring(Fault::wrong_parity, poll),
        "[emu] deadlock in kernel ring_kernel, block (0, 0, 0): of 128 threads 64 (0-63) "
        "waiting at " +
            wait +
            " (hopper_kernels.cu:N) for parity 0 in empty[0]'s phase of "
            "parity 0, which lacks 64 of 64 arrivals and 0 bytes; 64 (64-127) waiting at " +
            wait +
            " (hopper_kernels.cu:N) for parity 0 in full[0]'s phase of parity 0, which lacks 64 "
            "of 64 arrivals and 0 bytes");
  }
  EXPECT_EQ(of_ring(Fault::none), "") << "the engine is usable after an error";
}

TEST_F(HopperFaults, MissingWaitForALoad) {
  for (std::uint64_t seed = 1; seed <= 10; seed++) {
    emu::set_seed(seed);
    Bytes image;
    EXPECT_EQ(of_load(Fault::none, &image), "");
    EXPECT_NE(image, Bytes(box_bytes(box_), 0xff));
    EXPECT_EQ(of_load(Fault::no_wait, &image), "");
    EXPECT_EQ(image, Bytes(box_bytes(box_), 0xff));
  }
}

TEST_F(HopperFaults, Loads) {
  EXPECT_STARTS(of_load(Fault::too_few_bytes),
                "[emu] the phase of mbarrier done[0] ends while copies that count for it are under "
                "way: too few bytes expected, in kernel load_kernel");
  EXPECT_NE(of_load(Fault::too_many_bytes)
                .find("in done[0]'s phase of parity 0, which lacks 0 of 1 arrivals and 16 bytes"),
            std::string::npos);
  EXPECT_STARTS(of_load(Fault::no_init_fence),
                "[emu] cp.async.bulk.tensor: no fence.mbarrier_init behind the init of mbarrier "
                "done[0], in kernel load_kernel");
  EXPECT_STARTS(of_load(Fault::not_aligned),
                "[emu] cp.async.bulk.tensor: a box in shared memory at address ");
}

TEST_F(HopperFaults, MapsThatTheDriverWouldRefuse) {
  const auto refused = [&](auto change, int shift = 0) {
    DeviceBuffer<unsigned char> data(emu_, Bytes(1 << 16)), to(emu_, Bytes(1 << 16));
    Box b = box2(128, 16, 256, 64, 16, 0, 0, 3);
    change(b);
    return error_of([&] { hopper::load(to.data(), data.data() + shift, b, Fault::none); });
  };
  EXPECT_EQ(refused([](Box&) {}), "");
  EXPECT_EQ(refused([](Box& b) { b.box[0] = 128; }),
            "[tensor_map] lines of a swizzled box have at most 128 bytes: got 256");
  EXPECT_EQ(refused([](Box& b) { b.box[0] = 60; }),
            "[tensor_map] lines of a box are multiples of 16 bytes: got 120");
  EXPECT_EQ(refused([](Box& b) { b.box[1] = 257; }),
            "[tensor_map] a box has 1 to 256 elements of dimension 1: got 257");
  EXPECT_EQ(refused([](Box& b) { b.strides[1] = 264; }),
            "[tensor_map] strides are multiples of 16 bytes below 2^40: got 264 for dimension 1");
  EXPECT_EQ(refused([](Box& b) { b.strides[0] = 4; }),
            "[tensor_map] dimension 0 is contiguous: got a stride of 4 bytes for bf16");
  EXPECT_EQ(refused([](Box& b) { b.shape[1] = 0; }),
            "[tensor_map] dimension 1 has 1 to 2^32 elements: got 0");
  EXPECT_STARTS(refused([](Box&) {}, 8), "[tensor_map] a region starts at a multiple of 16 bytes");
}

TEST_F(HopperFaults, PixelsThatAreNoBase) {
  DeviceBuffer<bf16> data(emu_, std::vector<bf16>(2 * 8 * 8 * 64));
  DeviceBuffer<unsigned char> to(emu_, Bytes(16 * 128));
  const auto load = [&](int w) {
    const Pixels p{2, 8, 8, 64, 3, 3, 1, 2, 16, 64, 0, {w, -1, 0}, {0, 0}};
    return error_of([&] { hopper::load_image(to.data(), data.data(), p); });
  };
  EXPECT_EQ(load(5), "");
  for (int w : {-3, 0, 7})
    EXPECT_STARTS(load(w), "[emu] pixels begin at (w, h) = (" + std::to_string(w) +
                               ", -1), which is no base of the map, in kernel load_pixels_kernel");
}

TEST_F(HopperFaults, Stores) {
  EXPECT_EQ(of_store(Fault::none), "");
  EXPECT_STARTS(of_store(Fault::no_proxy_fence),
                "[emu] cp.async.bulk.tensor: a store reads shared memory that was written without "
                "fence.proxy.async behind it, started by thread (31, 0, 0)");
  EXPECT_STARTS(of_store(Fault::no_commit),
                "[emu] the block has ended, but a store may still read shared memory: no "
                "cp.async.bulk.commit_group behind it");
  EXPECT_STARTS(of_store(Fault::no_read_wait),
                "[emu] the block has ended, but a store may still read shared memory: no "
                "cp.async.bulk.wait_group.read behind it");
}

TEST_F(HopperFaults, Products) {
  EXPECT_STARTS(of_products(Fault::no_proxy_fence),
                "[emu] wgmma.mma_async: A is in shared memory that was written without "
                "fence.proxy.async behind it, of the product in line ");
  EXPECT_STARTS(of_products(Fault::no_product_fence),
                "[emu] wgmma.mma_async: no wgmma.fence behind the writes of its registers");
  EXPECT_STARTS(of_products(Fault::write_d_early),
                "[emu] wgmma.mma_async: d was written before the wait, of the product in line ");
  EXPECT_STARTS(of_products(Fault::no_commit),
                "[emu] the block has ended, but not a wgmma: no commit_group behind it");
  EXPECT_STARTS(of_products(Fault::no_wait),
                "[emu] the block has ended, but not a wgmma: no wait_group behind it");
  const std::string divergence = of_products(Fault::missing_warp);
  EXPECT_EQ(divergence,
            "[emu] barrier divergence in kernel products_kernel<N, kA, kB, kRegisters, kFault>, "
            "block (0, 0, 0): of 128 threads 96 (0-63, 96-127) waiting at wgmma.mma_async "
            "(hopper_products.cuh:N) for all of the warpgroup; 32 (64-95) waiting at "
            "wgmma.commit_group (hopper_products.cuh:N) for all of the warpgroup");
}

TEST_F(HopperFaults, SumsReadBeforeTheWaitAreNan) {
  std::vector<float> sums;
  EXPECT_EQ(of_products(Fault::read_early, &sums), "");
  for (float v : sums) ASSERT_TRUE(std::isnan(v));
}

TEST_F(HopperFaults, SharedMemoryWrittenBeforeTheWait) {
  std::vector<float> right, wrong;
  EXPECT_EQ(of_products(Fault::none, &right), "");
  EXPECT_EQ(of_products(Fault::write_shared_early, &wrong), "");
  EXPECT_NE(right, wrong);
}

TEST_F(HopperFaults, Descriptors) {
  EXPECT_STARTS(of_products(Fault::none, nullptr, 1, [](ProductCase& c) { c.b.step = 128; }),
                "[emu] wgmma.mma_async: B starts at address ");
  EXPECT_STARTS(of_products(Fault::none, nullptr, 1, [](ProductCase& c) { c.a.stride = 65536; }),
                "[emu] wgmma.mma_async: 16 bytes at address ");
}

TEST_F(HopperFaults, NamedBarriers) {
  std::vector<int> out(257);
  const std::string error =
      error_of([&] { hopper::named_barriers(out.data(), Fault::wrong_count); });
  // Either the other half comes to a barrier of another size, or it waits for what has gone by.
  EXPECT_TRUE(error.find("barrier 2 is of ") != std::string::npos ||
              error.find("barrier 2, where 128 of 256 have come") != std::string::npos)
      << error;
}

}  // namespace
}  // namespace lacuna::test
