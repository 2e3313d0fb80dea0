#include "hopper_products.cuh"

namespace lacuna::LACUNA_NS::hopper {
namespace {

template <Fault kFault>
void run(float* d, const ProductCase& c) {
  run_products<64, Major::k, Major::k, false, kFault>(d, c);
}

}  // namespace

void faulty_products(float* d, const ProductCase& c, Fault fault) {
#define CASE(name) \
  if (fault == Fault::name) run<Fault::name>(d, c);
  CASE(no_proxy_fence)
  CASE(no_product_fence)
  CASE(no_commit)
  CASE(no_wait)
  CASE(read_early)
  CASE(write_d_early)
  CASE(write_shared_early)
  CASE(missing_warp)
#undef CASE
}

}  // namespace lacuna::LACUNA_NS::hopper
