// What the cases in tests/ops do not reach of norms on a device: bf16, uneven buffers, long rows, any order of threads.
#include "../../kernels/layer_norm.h"

#include "kernel_check.h"

namespace lacuna::test {
namespace {

constexpr DeviceType kType = DeviceType::emu;

struct Shape {
  std::int64_t rows, columns;
  bool affine = true;
  std::size_t skip = 0;
};

template <class T>
void check_layer_norm(const Shape& s) {
  SCOPED_TRACE(std::string(name_of(dtype_of<T>)) + " rows " + std::to_string(s.rows) + " columns " +
               std::to_string(s.columns) + (s.skip ? " uneven" : ""));
  const Sizes shape{s.rows, s.columns}, width{s.columns};
  Twin<T> x(kType, shape, drawn(count(shape), 1, 3, 5), s.skip), y(kType, shape, s.skip),
      dy(kType, shape, drawn(count(shape), 2), s.skip);
  Twin<float> stats(kType, {s.rows, 2}), gamma(kType, width, drawn(count(width), 3, 0.5f, 1.5f)),
      beta(kType, width, drawn(count(width), 4)), dgamma(kType, width), dbeta(kType, width);
  run_both<&KernelTable::layer_norm_forward>(kType, [&](bool device) {
    LayerNormForward a{y.on(device), stats.on(device), x.on(device)};
    if (s.affine) a.gamma = gamma.on(device), a.beta = beta.on(device);
    return a;
  });
  y.expect_close("y", 3e-6);
  stats.expect_close("stats", 2e-6);
  stats.follow();
  run_both<&KernelTable::layer_norm_backward>(kType, [&](bool device) {  // in place
    LayerNormBackward a{dy.on(device), {}, {}, dy.on(device), x.on(device), stats.on(device)};
    if (s.affine)
      a.gamma = gamma.on(device), a.dgamma = dgamma.on(device), a.dbeta = dbeta.on(device);
    return a;
  });
  dy.expect_close("dx", 1e-5);
  if (!s.affine) return;
  dgamma.expect_close("dgamma", 1e-5);
  dbeta.expect_close("dbeta", 1e-5);
}

template <class T>
void check_l2(const Shape& s) {
  SCOPED_TRACE(std::string(name_of(dtype_of<T>)) + " columns " + std::to_string(s.columns));
  const Sizes shape{s.rows, s.columns};
  std::vector<float> values = drawn(count(shape), 1);
  for (std::int64_t j = 0; s.rows > 1 && j < s.columns; j++) values[j] = 0;  // below eps
  Twin<T> x(kType, shape, values, s.skip), y(kType, shape, s.skip), dx(kType, shape, s.skip),
      dy(kType, shape, drawn(count(shape), 2), s.skip);
  Twin<float> norms(kType, {s.rows});
  run_both<&KernelTable::l2_normalise_forward>(kType, [&](bool device) {
    return L2NormaliseForward{y.on(device), norms.on(device), x.on(device), 1e-3};
  });
  y.expect_close("y", 1e-6);
  norms.expect_close("norms", 1e-6);
  y.follow();
  norms.follow();
  run_both<&KernelTable::l2_normalise_backward>(kType, [&](bool device) {
    return L2NormaliseBackward{dx.on(device), dy.on(device), y.on(device), norms.on(device), 1e-3};
  });
  dx.expect_close("dx", 3e-6);
}

// Whole vectors of a warp's lanes, of a block's threads, and rows beyond both; with N = 1 much earlier.
constexpr std::int64_t kColumns[] = {8,    32,   128,  136,  256,  1000, 1024,
                                     1032, 2048, 2056, 4200, 4201, 8200, 16400};

TEST(EmuLayerNorm, AgreesWithCpuF64) {
  for (const std::int64_t columns : kColumns)
    for (const std::size_t skip : {0, 1}) {
      const Shape s{columns > 2000 ? 2 : 11, columns, true, skip};
      check_layer_norm<float>(s);
      check_layer_norm<bf16>(s);
      if (HasFatalFailure()) return;
    }
  check_layer_norm<float>({5, 64, false});
  check_layer_norm<bf16>({5, 8200, false});
}

TEST(EmuLayerNorm, MoreRowsThanThePersistentGridTakesAtOnce) {
  check_layer_norm<float>({8 * 132 * 8 + 5, 8});
  check_layer_norm<bf16>({132 * 8 + 3, 1032});
}

TEST(EmuL2Normalise, AgreesWithCpuF64) {
  for (const std::int64_t columns : kColumns)
    for (const std::size_t skip : {0, 1}) {
      const Shape s{columns > 2000 ? 2 : 5, columns, true, skip};
      check_l2<float>(s);
      check_l2<bf16>(s);
      if (HasFatalFailure()) return;
    }
}

TEST(EmuLayerNorm, SameBitsForEveryOrderOfThreads) {
  for (const std::int64_t columns : {48, 1100})
    expect_same_for_every_order([&] {
      const Sizes shape{40, columns};
      Twin<float> x(kType, shape, drawn(count(shape), 1)), dy(kType, shape, drawn(count(shape), 2)),
          stats(kType, {40, 2}, drawn(80, 3, 0.5f, 1)), dgamma(kType, {columns}),
          dbeta(kType, {columns});
      run<&KernelTable::layer_norm_backward>(
          LayerNormBackward{dy.on(true), dgamma.on(true), dbeta.on(true), dy.on(true), x.on(true),
                            stats.on(true)},
          Device{kType});
      std::vector<float> all = dy.values();
      for (auto* t : {&dgamma, &dbeta})
        for (const float v : t->values()) all.push_back(v);
      return all;
    });
}

TEST(EmuLayerNorm, StatisticsBesideBf16AreF32) {
  Twin<bf16> x(kType, {2, 4}, drawn(8, 1)), y(kType, {2, 4}), stats(kType, {2, 2});
  try {
    run<&KernelTable::layer_norm_forward>(LayerNormForward{y.on(true), stats.on(true), x.on(true)},
                                          Device{kType});
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(),
                 "[layer_norm] stats must be f32 where x is bf16: got x (2, 4) bf16 emu, stats (2, "
                 "2) bf16 emu");
  }
}

}  // namespace
}  // namespace lacuna::test
