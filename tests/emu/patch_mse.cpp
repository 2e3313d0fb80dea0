// The loss of patches on a device where the cases of tests/ops do not reach: bf16, uneven buffers, long patches, any order
// of threads.
#include "../../kernels/patch_mse.h"

#include "kernel_check.h"

namespace lacuna::test {
namespace {

constexpr DeviceType kType = DeviceType::emu;

template <class T>
void check(std::int64_t rows, std::int64_t p, bool normalise, std::size_t skip) {
  SCOPED_TRACE(std::string(name_of(dtype_of<T>)) + " rows " + std::to_string(rows) + " values " +
               std::to_string(p) + (skip ? " uneven" : ""));
  const Sizes shape{rows, p};
  std::vector<std::uint8_t> mask(rows);
  for (std::int64_t r = 0; r < rows; r++) mask[r] = r % 4 != 1;
  Twin<T> x(kType, shape, drawn(count(shape), 1), skip),
      target(kType, shape, drawn(count(shape), 2, -1, 3), skip);
  Twin<std::uint8_t> hidden(kType, {rows}, mask);
  // What visible patches have in their statistics is nobody's business: equal numbers before, none compared.
  Twin<float> y(kType, {}), weight(kType, {}), stats(kType, {rows, 2}), dy(kType, {}, drawn(1, 3));
  run_both<&KernelTable::patch_mse_forward>(kType, [&](bool device) {
    return PatchMseForward{y.on(device),      stats.on(device),  weight.on(device), x.on(device),
                           target.on(device), hidden.on(device), normalise,         1e-6};
  });
  y.expect_close("y", 3e-6);
  weight.expect_close("weight", 1e-6);
  run_both<&KernelTable::patch_mse_backward>(kType, [&](bool device) {  // in place
    return PatchMseBackward{x.on(device), dy.on(device),     stats.on(device), weight.on(device),
                            x.on(device), target.on(device), hidden.on(device)};
  });
  x.expect_close("dprediction", 1e-5);
}

}  // namespace

TEST(EmuPatchMse, AgreesWithCpuF64) {
  for (const std::int64_t p : {2, 12, 48, 264, 768, 1032, 4104, 8200, 16392})
    for (const std::size_t skip : {0, 1})
      for (const bool normalise : {true, false}) {
        check<float>(p > 2000 ? 3 : 9, p, normalise, skip);
        check<bf16>(p > 2000 ? 3 : 9, p, normalise, skip);
        if (HasFatalFailure()) return;
      }
}

TEST(EmuPatchMse, MorePatchesThanTheLastBlockHasThreads) { check<float>(2500, 4, true, 0); }

TEST(EmuPatchMse, SameBitsForEveryOrderOfThreads) {
  for (const std::int64_t p : {48, 1100})
    expect_same_for_every_order([&] {
      const Sizes shape{40, p};
      Twin<float> x(kType, shape, drawn(count(shape), 1)),
          target(kType, shape, drawn(count(shape), 2)), y(kType, {}), weight(kType, {}),
          stats(kType, {40, 2});
      Twin<std::uint8_t> hidden(kType, {40}, std::vector<std::uint8_t>(40, 1));
      run<&KernelTable::patch_mse_forward>(
          PatchMseForward{y.on(true), stats.on(true), weight.on(true), x.on(true), target.on(true),
                          hidden.on(true)},
          Device{kType});
      std::vector<float> all = stats.values();
      all.push_back(y.values()[0]);
      return all;
    });
}

}  // namespace lacuna::test
