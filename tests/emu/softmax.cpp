#include "softmax_check.h"

#include "../../kernels/emu/engine.h"

namespace lacuna::test {
namespace {

TEST(EmuSoftmax, AgreesWithCpuF64) { check_softmax_everywhere(DeviceType::emu); }

TEST(EmuSoftmax, SameBitsForEveryOrderOfThreads) {
  const SoftmaxShape s{3, 1025};
  const Backend& backend = *find_backend(DeviceType::emu);
  std::vector<float> first;
  for (std::uint64_t seed = 1; seed <= 5; seed++) {
    emu::set_seed(seed);
    DeviceBuffer<float> x(backend, random_values(s, 4.0f)),
        y(backend, std::vector<float>(3 * 1025));
    const Device device{DeviceType::emu};
    run<&KernelTable::softmax_forward>(
        SoftmaxForward{array_of(y.data(), Dtype::f32, device, s),
                       array_of(x.data(), Dtype::f32, device, s), false},
        device);
    if (first.empty()) first = y.values();
    EXPECT_EQ(y.values(), first);
  }
}

TEST(EmuSoftmax, NanSpoilsItsRowAndNoOther) {
  for (std::int64_t columns : {7, 1024, 1025}) {
    const SoftmaxShape s{2, columns};
    const Backend& backend = *find_backend(DeviceType::emu);
    std::vector<float> values = random_values(s, 4.0f);
    values[0] = std::numeric_limits<float>::quiet_NaN();
    DeviceBuffer<float> x(backend, values), y(backend, std::vector<float>(values.size()));
    const Device device{DeviceType::emu};
    run<&KernelTable::softmax_forward>(
        SoftmaxForward{array_of(y.data(), Dtype::f32, device, s),
                       array_of(x.data(), Dtype::f32, device, s), false},
        device);
    for (std::int64_t i = 0; i < 2 * columns; i++)
      ASSERT_EQ(std::isnan(y.values()[i]), i < columns) << i;
  }
}

}  // namespace
}  // namespace lacuna::test
