#pragma once
// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011). The same bits on every device: a draw is a pure function of
//   key      (seed; stream, epoch, view)   where a stream is the hash of a module's path or of a purpose
//   counter  (element / 4, sample id)
// so that a mask or a crop does not depend on batch split, thread count, rank count or resume point.
#include <string_view>

#include "dtype.h"

namespace lacuna {

struct Philox4 {
  std::uint32_t v[4];
};

/// The ten rounds. Reference vectors are in tests/core/random.cpp.
LACUNA_HD inline Philox4 philox4x32(Philox4 c, std::uint32_t k0, std::uint32_t k1) {
  for (int round = 0; round < 10; round++) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c.v[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c.v[2];
    c = {{static_cast<std::uint32_t>(p1 >> 32) ^ c.v[1] ^ k0, static_cast<std::uint32_t>(p1),
          static_cast<std::uint32_t>(p0 >> 32) ^ c.v[3] ^ k1, static_cast<std::uint32_t>(p0)}};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}

/// The finalizer of splitmix64: a bijection that mixes all bits (Steele, Lea, Flood 2014).
LACUNA_HD constexpr std::uint64_t mix64(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// FNV-1a of a module's path or a purpose ("inpainting.mask", "loader.shuffle").
constexpr std::uint64_t stream_of(std::string_view name) {
  std::uint64_t h = 0xCBF29CE484222325u;
  for (char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return h;
}

struct RandomKey {
  std::uint64_t value = 0;
  /// Key of (seed; stream, epoch); the view of each row is folded in by draw().
  static constexpr RandomKey of(std::uint64_t seed, std::uint64_t stream, std::uint64_t epoch = 0) {
    return {mix64(mix64(mix64(seed + 0x9E3779B97F4A7C15u) ^ stream) + epoch)};
  }
};

/// Four 32-bit words: number `block` of the row (sample, view). Element e of a row takes word e % 4
/// of block e / 4.
LACUNA_HD inline Philox4 draw(RandomKey key, std::uint64_t block, std::uint64_t sample,
                              std::uint64_t view = 0) {
  const std::uint64_t k = view == 0 ? key.value : mix64(key.value + view);
  const Philox4 counter{{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                         static_cast<std::uint32_t>(sample),
                         static_cast<std::uint32_t>(sample >> 32)}};
  return philox4x32(counter, static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(k >> 32));
}

/// Word e of a row.
LACUNA_HD inline std::uint32_t draw_word(RandomKey key, std::uint64_t element, std::uint64_t sample,
                                         std::uint64_t view = 0) {
  return draw(key, element / 4, sample, view).v[element % 4];
}

/// Uniform in [0, 1) with 24 bits: exact in f32, never 1.
LACUNA_HD inline float uniform_of(std::uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24f;
}

/// Bernoulli by integer threshold: true with probability p to within 2^-32. p <= 0 is never, p >= 1
/// always.
struct BernoulliThreshold {
  std::uint64_t below;  // true where word < below
  LACUNA_HD explicit BernoulliThreshold(double p)
      : below(p <= 0   ? 0
              : p >= 1 ? (std::uint64_t{1} << 32)
                       : static_cast<std::uint64_t>(p * 0x1p32 + 0.5)) {}
  LACUNA_HD bool operator()(std::uint32_t word) const { return word < below; }
};

/// Uniform integer in [0, n) without division, n < 2^32 (Lemire's multiply-shift; bias below n /
/// 2^32).
LACUNA_HD inline std::uint32_t below(std::uint32_t word, std::uint32_t n) {
  return static_cast<std::uint32_t>((std::uint64_t{word} * n) >> 32);
}

/// Place of i in a pseudo-random permutation of 0 .. n-1, in O(1) and without a table: a balanced Feistel network over the
/// next even number of bits, walked along its cycle until it lands below n (Black, Rogaway 2002). n < 2^62.
LACUNA_HD inline std::uint64_t permute(RandomKey key, std::uint64_t i, std::uint64_t n) {
  int half = 1;
  while (half < 31 && (std::uint64_t{1} << (2 * half)) < n) half++;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  do {
    std::uint64_t left = i >> half, right = i & mask;
    for (std::uint64_t round = 0; round < 6; round++) {
      const std::uint64_t next = left ^ (mix64(key.value ^ mix64(right + (round << 56))) & mask);
      left = right;
      right = next;
    }
    i = left << half | right;
  } while (i >= n);
  return i;
}

}  // namespace lacuna

#include "random_normal.h"  // normal_of(word)
