#include <device/divide.cuh>

#include <gtest/gtest.h>

namespace lacuna::test {

// Both sides of every multiple near the ends and the middle, of small, large and awkward divisors.
TEST(Divider, IsDivision) {
  constexpr int kMost = 0x7fffffff;
  for (int base : {1,   2,   3,   5,    7,    9,     10,    27,    31,      32,        33,   64,
                   147, 224, 641, 1000, 3136, 65535, 65536, 65537, 1 << 30, kMost - 1, kMost}) {
    for (int more = 0; more < 3 && base < kMost - more; more++) {
      const int d = base + more;
      const emu::Divider divider(d);
      EXPECT_EQ(static_cast<int>(divider), d);
      const int whole = kMost / d;
      for (int multiple : {0, 1, 2, 3, whole / 3, whole / 2, whole - 1, whole})
        for (int off = -2; off <= 2; off++) {
          const std::int64_t n = std::int64_t{multiple} * d + off;
          if (n < 0 || n > kMost) continue;
          ASSERT_EQ(static_cast<int>(n) / divider, n / d) << n << " / " << d;
          ASSERT_EQ(static_cast<int>(n) % divider, n % d) << n << " % " << d;
        }
      ASSERT_EQ(kMost / divider, kMost / d) << d;
    }
  }
  EXPECT_EQ(kMost / emu::Divider(kMost), 1);
  EXPECT_EQ((kMost - 1) / emu::Divider(kMost), 0);
}

}  // namespace lacuna::test
