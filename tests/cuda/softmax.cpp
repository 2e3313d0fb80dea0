#include <dlfcn.h>

#include "../emu/softmax_check.h"

namespace lacuna::test {
namespace {

TEST(CudaSoftmax, AgreesWithCpuF64) {
  const Backend* backend = find_backend(DeviceType::cuda);
  ASSERT_NE(backend, nullptr);
  if (backend->device_count() == 0) GTEST_SKIP() << backend->why_absent();
  check_softmax_everywhere(DeviceType::cuda);
}

TEST(Cuda, SaysWhyThereIsNoDevice) {
  const Backend* backend = find_backend(DeviceType::cuda);
  ASSERT_NE(backend, nullptr);
  EXPECT_EQ(backend->device_count() == 0, !backend->why_absent().empty());
  EXPECT_EQ(backend->why_absent().find('\n'), std::string::npos);
  if (backend->device_count() > 0) GTEST_SKIP() << "there is a device";
  // A way out, to which the command adds its own.
  EXPECT_NE(backend->why_absent().find(": "), std::string::npos) << backend->why_absent();
  if (void* const driver = dlopen("libcuda.so.1", RTLD_LAZY))
    dlclose(driver);
  else
    EXPECT_EQ(backend->why_absent(), "no NVIDIA driver here: install one");
  const SoftmaxShape s{1, 1};
  float x = 0, y = 0;
  const Device device{DeviceType::cuda};
  try {
    run<&KernelTable::softmax_forward>(SoftmaxForward{array_of(&y, Dtype::f32, device, s),
                                                      array_of(&x, Dtype::f32, device, s), false},
                                       device);
    FAIL() << "ran without a device";
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()).find("[softmax] device cuda:0 is not in this machine: "), 0u)
        << e.what();
  }
}

}  // namespace
}  // namespace lacuna::test
