#include "hopper_products.cuh"

namespace lacuna::LACUNA_NS::hopper {
namespace {

template <int N>
void products_of(float* d, const ProductCase& c) {
  constexpr Major k = Major::k, mn = Major::mn;
  if (c.a_rows)
    (c.b.mn_major ? run_products<N, k, mn, true> : run_products<N, k, k, true>)(d, c);
  else if (c.a.mn_major)
    (c.b.mn_major ? run_products<N, mn, mn> : run_products<N, mn, k>)(d, c);
  else
    (c.b.mn_major ? run_products<N, k, mn> : run_products<N, k, k>)(d, c);
}

}  // namespace

void products(float* d, const ProductCase& c) {
  if (c.n == 64) products_of<64>(d, c);
  if (c.n == 128) products_of<128>(d, c);
  if (c.n == 256) products_of<256>(d, c);
}

}  // namespace lacuna::LACUNA_NS::hopper
