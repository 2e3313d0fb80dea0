// What the cases in tests/ops do not reach of cross-entropy on a device: bf16, uneven buffers, in place, -inf, bad targets.
#include "../../kernels/cross_entropy.h"

#include "kernel_check.h"

namespace lacuna::test {
namespace {

constexpr DeviceType kType = DeviceType::emu;

struct Shape {
  std::int64_t rows, classes;
  double smoothing = 0;
  std::size_t skip = 0;
  float low = -4, high = 4;
  bool masked = false;  // most of each row is -inf
};

template <class T>
void check(const Shape& s) {
  SCOPED_TRACE(std::string(name_of(dtype_of<T>)) + " rows " + std::to_string(s.rows) + " classes " +
               std::to_string(s.classes) + (s.skip ? " uneven" : ""));
  const Sizes shape{s.rows, s.classes};
  std::vector<float> values = drawn(count(shape), 1, s.low, s.high);
  std::vector<std::int64_t> classes;
  for (std::int64_t r = 0; r < s.rows; r++) {
    const std::int64_t target = (r * 37 + 5) % s.classes;
    for (std::int64_t j = 0; s.masked && j < s.classes; j++)
      if (j % 97 != target % 97) values[r * s.classes + j] = -INFINITY;
    classes.push_back(r % 5 == 3 ? -100 : target);
  }
  Twin<T> logits(kType, shape, values, s.skip);
  Twin<std::int64_t> targets(kType, {s.rows}, classes);
  Twin<float> y(kType, {}), stats(kType, {s.rows, 2}), weight(kType, {}),
      dy(kType, {}, std::vector<float>{0.7f});
  run_both<&KernelTable::cross_entropy_forward>(kType, [&](bool device) {
    return CrossEntropyForward{y.on(device),      stats.on(device),   weight.on(device),
                               logits.on(device), targets.on(device), -100,
                               s.smoothing};
  });
  y.expect_close("y", 3e-6);
  stats.expect_close("stats", 1e-6);
  weight.expect_close("weight", 1e-6);
  stats.follow();
  weight.follow();
  run_both<&KernelTable::cross_entropy_backward>(kType, [&](bool device) {  // in place
    return CrossEntropyBackward{
        logits.on(device),  dy.on(device), stats.on(device), weight.on(device), logits.on(device),
        targets.on(device), -100,          s.smoothing};
  });
  logits.expect_close("dx", 3e-6);
}

TEST(EmuCrossEntropy, AgreesWithCpuF64) {
  for (const std::int64_t classes : {1, 8, 33, 512, 1000, 1024, 1032, 1500, 5000, 5001})
    for (const std::size_t skip : {0, 1})
      for (const double smoothing : {0.0, 0.1}) {
        const Shape s{classes > 1000 ? 3 : 12, classes, smoothing, skip};
        check<float>(s);
        check<bf16>(s);
        if (HasFatalFailure()) return;
      }
  for (const std::int64_t rows : {0, 1, 1025, 2049}) check<float>({rows, 4});
}

TEST(EmuCrossEntropy, FarFromZero) {
  for (const std::int64_t classes : {33, 1500, 5000})
    for (const float low : {-10000.0f, -300.0f, 290.0f, 10000.0f}) {
      check<float>({4, classes, 0.1, 0, low, low + 10});
      check<float>({4, classes, 0, 0, low, low + 10, true});
    }
}

TEST(EmuCrossEntropy, ATargetThatIsNoClassGivesNaN) {
  for (const std::int64_t target : {-1, 8, -100}) {
    Twin<float> logits(kType, {2, 8}, drawn(16, 1)), y(kType, {}), stats(kType, {2, 2}),
        weight(kType, {});
    Twin<std::int64_t> targets(kType, {2}, std::vector<std::int64_t>{3, target});
    run<&KernelTable::cross_entropy_forward>(
        CrossEntropyForward{y.on(true), stats.on(true), weight.on(true), logits.on(true),
                            targets.on(true)},
        Device{kType});
    EXPECT_EQ(std::isnan(y.values()[0]), target != -100) << target;
  }
}

TEST(EmuCrossEntropy, SameBitsForEveryOrderOfThreads) {
  for (const std::int64_t classes : {40, 1500})
    expect_same_for_every_order([&] {
      Twin<float> logits(kType, {20, classes}, drawn(count({20, classes}), 1)), y(kType, {}),
          stats(kType, {20, 2}), weight(kType, {});
      Twin<std::int64_t> targets(kType, {20}, std::vector<std::int64_t>(20, 3));
      run<&KernelTable::cross_entropy_forward>(
          CrossEntropyForward{y.on(true), stats.on(true), weight.on(true), logits.on(true),
                              targets.on(true), -100, 0.1},
          Device{kType});
      std::vector<float> all = stats.values();
      all.push_back(y.values()[0]);
      return all;
    });
}

}  // namespace
}  // namespace lacuna::test
