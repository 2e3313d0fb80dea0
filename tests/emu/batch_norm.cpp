// What the cases in tests/ops do not reach of batch norm on a device: bf16, uneven buffers, many rows, any order of threads.
#include "../../kernels/batch_norm.h"

#include "kernel_check.h"

namespace lacuna::test {
namespace {

constexpr DeviceType kType = DeviceType::emu;

struct Shape {
  std::int64_t rows, channels;
  bool constant = false;  // mean and rstd are
  bool relu = false;
  std::size_t skip = 0;
};

template <class T>
void check(const Shape& s) {
  SCOPED_TRACE(std::string(name_of(dtype_of<T>)) + " rows " + std::to_string(s.rows) +
               " channels " + std::to_string(s.channels) + (s.skip ? " uneven" : "") +
               (s.relu ? " relu" : ""));
  const Sizes shape{s.rows, s.channels}, width{s.channels};
  Twin<T> x(kType, shape, drawn(count(shape), 1, 3, 5), s.skip), y(kType, shape, s.skip),
      dy(kType, shape, drawn(count(shape), 2), s.skip);
  Twin<float> mean(kType, width), centred(kType, width),
      rstd(kType, width, drawn(count(width), 3, 1, 2)),
      gamma(kType, width, drawn(count(width), 4, 0.5f, 1.5f)),
      beta(kType, width, drawn(count(width), 5)), dgamma(kType, width), dbeta(kType, width);
  run_both<&KernelTable::batch_norm_moments>(kType, [&](bool device) {
    return BatchNormMoments{mean.on(device), centred.on(device), x.on(device)};
  });
  mean.expect_close("mean", 1e-6);
  centred.expect_close("centred", 3e-6);
  mean.follow();
  run_both<&KernelTable::batch_norm_forward>(kType, [&](bool device) {
    return BatchNormForward{
        y.on(device),    x.on(device), mean.on(device), rstd.on(device), gamma.on(device),
        beta.on(device), {},           s.relu};
  });
  y.expect_close("y", 2e-6);
  run_both<&KernelTable::batch_norm_forward>(kType, [&](bool device) {
    return BatchNormForward{y.on(device),     x.on(device),    mean.on(device), rstd.on(device),
                            gamma.on(device), beta.on(device), dy.on(device),   s.relu};
  });
  y.expect_close("y with a residual", 2e-6);
  run_both<&KernelTable::batch_norm_sums>(kType, [&](bool device) {
    return BatchNormSums{dgamma.on(device), dbeta.on(device), dy.on(device), x.on(device),
                         mean.on(device),   rstd.on(device),  s.relu,        gamma.on(device),
                         beta.on(device)};
  });
  dgamma.expect_close("dgamma", 1e-5);
  dbeta.expect_close("dbeta", 1e-5);
  dgamma.follow();
  dbeta.follow();
  run_both<&KernelTable::batch_norm_backward>(kType, [&](bool device) {  // in place
    BatchNormBackward a{dy.on(device),   dy.on(device),   x.on(device),
                        mean.on(device), rstd.on(device), gamma.on(device)};
    if (!s.constant) a.dgamma = dgamma.on(device), a.dbeta = dbeta.on(device);
    a.count = static_cast<double>(s.rows);
    a.relu = s.relu;
    a.beta = beta.on(device);
    return a;
  });
  dy.expect_close("dx", 3e-6);
}

TEST(EmuBatchNorm, AgreesWithCpuF64) {
  for (const std::int64_t channels : {1, 3, 8, 24, 64, 130, 256, 520})
    for (const std::size_t skip : {0, 1}) {
      Shape s{channels > 100 ? 70 : 1030, channels, channels == 8,
              channels > 3 && (skip == 1 || channels == 256)};
      s.skip = skip;
      check<float>(s);
      check<bf16>(s);
      if (HasFatalFailure()) return;
    }
  for (const std::int64_t rows : {1, 2, 33}) check<float>({rows, 20});
  check<bf16>({3, 16, true});
  check<float>({64, 16, true, true});
}

TEST(EmuBatchNorm, MoreRowsThanOneStepOfTheGrid) { check<float>({132 * 8 * 256 + 300, 4}); }

TEST(EmuBatchNorm, NoRows) {
  Twin<float> x(kType, {0, 5}), mean(kType, {5}), centred(kType, {5});
  run_both<&KernelTable::batch_norm_moments>(kType, [&](bool device) {
    return BatchNormMoments{mean.on(device), centred.on(device), x.on(device)};
  });
  mean.expect_close("mean", 0);
  centred.expect_close("centred", 0);
}

TEST(EmuBatchNorm, SameBitsForEveryOrderOfThreads) {
  for (const std::int64_t channels : {3, 72})
    expect_same_for_every_order([&] {
      const Sizes shape{600, channels}, width{channels};
      Twin<float> x(kType, shape, drawn(count(shape), 1)), dy(kType, shape, drawn(count(shape), 2)),
          mean(kType, width), centred(kType, width), rstd(kType, width, drawn(count(width), 3)),
          dgamma(kType, width), dbeta(kType, width);
      run<&KernelTable::batch_norm_moments>(
          BatchNormMoments{mean.on(true), centred.on(true), x.on(true)}, Device{kType});
      run<&KernelTable::batch_norm_sums>(BatchNormSums{dgamma.on(true), dbeta.on(true), dy.on(true),
                                                       x.on(true), mean.on(true), rstd.on(true)},
                                         Device{kType});
      std::vector<float> all;
      for (auto* t : {&mean, &centred, &dgamma, &dbeta})
        for (const float v : t->values()) all.push_back(v);
      return all;
    });
}

}  // namespace
}  // namespace lacuna::test
