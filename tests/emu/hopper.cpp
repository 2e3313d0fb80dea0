// The headers of sm_90a on emu against plain loops, in several orders of threads.
#include "../../kernels/emu/engine.h"
#include "hopper_check.h"

namespace lacuna::test {
namespace {

class Hopper : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { emu::set_seed(static_cast<std::uint64_t>(GetParam())); }
  const Backend& emu_ = *find_backend(DeviceType::emu);
};
INSTANTIATE_TEST_SUITE_P(Seed, Hopper, testing::Values(1, 2, 3));

TEST_P(Hopper, MbarriersHandOverARing) { check_ring(emu_, emu::hopper::ring); }
TEST_P(Hopper, BoxesAreLoaded) { check_load(emu_, emu::hopper::load); }
TEST_P(Hopper, BoxesAreStored) { check_store(emu_, emu::hopper::store); }
TEST_P(Hopper, PixelsOfATapAreLoaded) { check_load_image(emu_, emu::hopper::load_image); }
TEST_P(Hopper, Products) { check_products(emu_, emu::hopper::products); }
TEST_P(Hopper, NamedBarriers) { check_named_barriers(emu_, emu::hopper::named_barriers); }

}  // namespace
}  // namespace lacuna::test
