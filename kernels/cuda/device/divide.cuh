#pragma once
// Division of 0 <= n < 2^31 by a divisor that the host knows: a product and a shift instead of some twenty instructions
// (Granlund, Montgomery 1994). With 2^(l-1) < d <= 2^l and m = floor(2^(31+l) / d) + 1, floor(n / d) = floor(n m / 2^(31+l)),
// and m has 32 bits.
#include <cstdint>
#include <device/intrinsics.cuh>

namespace lacuna::LACUNA_NS {

class Divider {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): where a size was, a Divider may be
  constexpr Divider(int divisor) : divisor_(divisor) {
    const auto d =
        static_cast<std::uint64_t>(divisor < 1 ? 1 : divisor);  // 0: nobody divides by it
    while (std::uint64_t{1} << (shift_ - 31) < d) shift_++;
    multiplier_ = static_cast<std::uint32_t>((std::uint64_t{1} << shift_) / d + 1);
  }
  LACUNA_HD constexpr operator int() const {
    return divisor_;
  }  // NOLINT(google-explicit-constructor)
  LACUNA_HD friend constexpr int operator/(int n, const Divider& d) {
    return static_cast<int>(static_cast<std::uint64_t>(n) * d.multiplier_ >> d.shift_);
  }
  LACUNA_HD friend constexpr int operator%(int n, const Divider& d) {
    return n - n / d * d.divisor_;
  }

 private:
  int divisor_, shift_ = 31;
  std::uint32_t multiplier_ = 0;
};

}  // namespace lacuna::LACUNA_NS
