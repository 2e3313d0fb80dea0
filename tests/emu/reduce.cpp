// Sums and argmax where the cases of tests/ops do not reach: layouts, segments, the order of threads, unusual numbers.
#include "../../kernels/reduce.h"

#include <cmath>

#include "../../kernels/emu/engine.h"
#include "twin.h"

namespace lacuna::test {
namespace {

struct Case {
  const char* name;
  std::int64_t elements, outputs;  // of the buffers
  Layout y, x;
};
const Case kCases[] = {
    {"all", 5000, 1, {{5000}, {0}}, {{5000}}},
    {"all, in segments", 40000, 1, {{40000}, {0}}, {{40000}}},
    {"all, off the alignment", 40001, 1, {{40000}, {0}}, {{40000}, {}, 1}},
    {"nothing", 1, 1, {{0}, {0}}, {{0}}},
    {"nothing of each", 1, 3, {{3, 0}, {1, 0}}, {{3, 0}}},
    {"one", 1, 1, {{}, {}}, {{}}},
    {"tiny rows", 300, 100, {{100, 3}, {1, 0}}, {{100, 3}}},
    {"rows", 20 * 65, 20, {{20, 65}, {1, 0}}, {{20, 65}}},
    {"aligned rows", 20 * 64, 20, {{20, 64}, {1, 0}}, {{20, 64}}},
    {"long rows", 3 * 17000, 3, {{3, 17000}, {1, 0}}, {{3, 17000}}},
    {"rows of a wider array", 5 * 80, 5, {{5, 70}, {1, 0}}, {{5, 70}, {80, 1}}},
    {"columns", 700 * 5, 5, {{700, 5}, {0, 1}}, {{700, 5}}},
    {"many columns", 9 * 3000, 3000, {{9, 3000}, {0, 1}}, {{9, 3000}}},
    {"tall columns", 40000, 2, {{20000, 2}, {0, 1}}, {{20000, 2}}},
    {"the middle", 4 * 33 * 5, 20, {{4, 33, 5}, {5, 0, 1}}, {{4, 33, 5}}},
    {"outer and inner", 6 * 7 * 40, 7, {{6, 7, 40}, {0, 1, 0}}, {{6, 7, 40}}},
    {"permuted", 20 * 30 * 40, 30, {{40, 20, 30}, {0, 0, 1}}, {{40, 20, 30}, {1, 1200, 40}}},
    {"into a strided y", 6 * 50, 12, {{6, 50}, {2, 0}}, {{6, 50}}},
    {"repeated", 20, 4, {{4, 100}, {1, 0}}, {{4, 100}, {5, 0}}},
    {"gaps", 2000, 1, {{1000}, {0}}, {{1000}, {2}}},
};

std::vector<double> sums(DeviceType type, Dtype dtype, const Case& c, double low, double high) {
  Buffers b(type);
  b.add(dtype, std::vector<double>(c.outputs, 1));
  b.add(dtype, values_of(bytes_of(drawn(c.elements, low, high), Dtype::f32), Dtype::f32));
  run<&KernelTable::sum>(Sum{b.array(0, c.y), b.array(1, c.x)}, b.device());
  EXPECT_TRUE(b.intact());
  return b.values(0);
}

}  // namespace

TEST(EmuSum, EveryLayout) {
  for (const Case& c : kCases)
    for (double low : {-1.0, 1000.0}) {
      const auto got = sums(DeviceType::emu, Dtype::f32, c, low, low + 2),
                 want = sums(DeviceType::cpu, Dtype::f64, c, low, low + 2);
      for (std::size_t i = 0; i < want.size(); i++)
        EXPECT_NEAR(got[i], want[i], 1.2e-7 * std::fabs(want[i]) + 1e-5) << c.name << ' ' << i;
    }
}

TEST(EmuSum, SameBitsForEveryOrderOfThreads) {
  for (const Case& c : kCases) {
    emu::set_seed(1);
    const auto first = sums(DeviceType::emu, Dtype::f32, c, -1, 1);
    for (std::uint64_t seed = 2; seed <= 4; seed++) {
      emu::set_seed(seed);
      EXPECT_EQ(sums(DeviceType::emu, Dtype::f32, c, -1, 1), first) << c.name;
    }
  }
}

TEST(EmuSum, NanAndInfinity) {
  for (std::int64_t n : {3, 100, 5000}) {
    Buffers b(DeviceType::emu);
    std::vector<double> x(n, INFINITY);
    b.add(Dtype::f32, {0});
    b.add(Dtype::f32, x);
    x[n - 1] = -INFINITY;
    b.add(Dtype::f32, x);
    const Array y = b.array(0, {{n}, {0}});
    run<&KernelTable::sum>(Sum{y, b.array(1, {{n}})}, b.device());
    EXPECT_EQ(b.values(0)[0], INFINITY);
    run<&KernelTable::sum>(Sum{y, b.array(2, {{n}})}, b.device());
    EXPECT_TRUE(std::isnan(b.values(0)[0]));
  }
}

TEST(EmuArgmax, FirstOfEqualsAndNan) {
  for (std::int64_t n : {1, 7, 33, 2048, 2049, 5000})
    for (bool smallest : {false, true})
      for (int kind = 0; kind < 5; kind++)
        EXPECT_TRUE(same_bytes([&](Buffers& b) {
          std::vector<double> x = drawn(9 * n, -3, 3);
          for (double& v : x) v = std::floor(v);  // many are equal
          if (kind == 1) x[n / 2] = x[9 * n - 1] = NAN;
          if (kind == 2) std::fill(x.begin(), x.end(), smallest ? INFINITY : -INFINITY);
          if (kind == 3)
            for (std::size_t i = 0; i < x.size(); i++) x[i] = i % 2 ? 0.0 : -0.0;
          if (kind == 4) std::fill(x.begin(), x.end(), NAN);
          b.add(Dtype::i64, std::vector<double>(9, -1));
          b.add(Dtype::f32, x);
          run<&KernelTable::argmax>(Argmax{b.array(0, {{9}}), b.array(1, {{9, n}}), smallest},
                                    b.device());
        })) << n
            << ' ' << kind << ' ' << smallest;
}

}  // namespace lacuna::test
