// The headers of sm_90a, and the product made of them, on a Hopper GPU: the checks that emu passes (tests/emu/hopper.cpp).
#include <cuda_runtime_api.h>

#include "../emu/gemm_wgmma_check.h"

namespace lacuna::test {
namespace {

class CudaHopper : public testing::Test {
 protected:
  void SetUp() override {
    backend_ = find_backend(DeviceType::cuda);
    ASSERT_NE(backend_, nullptr);
    if (backend_->device_count() == 0) GTEST_SKIP() << backend_->why_absent();
    int major = 0;
    ASSERT_EQ(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0), cudaSuccess);
    if (major != 9) GTEST_SKIP() << "the GPU is no Hopper: compute capability " << major;
  }
  const Backend* backend_ = nullptr;
};

TEST_F(CudaHopper, MbarriersHandOverARing) { check_ring(*backend_, cuda::hopper::ring); }
TEST_F(CudaHopper, BoxesAreLoaded) { check_load(*backend_, cuda::hopper::load); }
TEST_F(CudaHopper, BoxesAreStored) { check_store(*backend_, cuda::hopper::store); }
TEST_F(CudaHopper, PixelsOfATapAreLoaded) { check_load_image(*backend_, cuda::hopper::load_image); }
TEST_F(CudaHopper, Products) { check_products(*backend_, cuda::hopper::products); }
TEST_F(CudaHopper, NamedBarriers) { check_named_barriers(*backend_, cuda::hopper::named_barriers); }
TEST_F(CudaHopper, GemmWgmma) {
  check_gemm(*backend_, {DeviceType::cuda}, [](const Matmul& args, int tile_columns) {
    cuda::rungs::gemm_wgmma(args, {}, tile_columns);
  });
}

}  // namespace
}  // namespace lacuna::test
