// Philox, a counter a 64-bit lane, for files that foreach_target.h compiles once an instruction set: include it after
// highway.h. The words are those of random.h's draw().
#if defined(LACUNA_CPU_DRAW_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef LACUNA_CPU_DRAW_INL
#undef LACUNA_CPU_DRAW_INL
#else
#define LACUNA_CPU_DRAW_INL
#endif

#include "draw.h"

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// draw_groups writes words 4 * run.block and on of a row, up to kGroup (of a vector of counters) at a time: to(done) is where
// those from the done-th on go, and then(done, count) is called when so many are there.

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

constexpr std::int64_t kGroup = 4;

template <class To, class Then>
HWY_INLINE void draw_groups(RandomKey key, const Run& run, To to, Then then) {
  for (std::int64_t i = 0; i < run.count; i += kGroup) {
    const Philox4 four = draw(key, run.block + i / 4, run.sample, run.view);
    for (int w = 0; w < 4; w++) to(i)[w] = four.v[w];
    then(i, kGroup);
  }
}

#else

constexpr std::int64_t kGroup = 4 * hn::MaxLanes(hn::ScalableTag<std::uint64_t>());

template <class To, class Then>
HWY_INLINE void draw_groups(RandomKey key, const Run& run, To to, Then then) {
  const hn::ScalableTag<std::uint64_t> d;
  const hn::Repartition<std::uint32_t, decltype(d)> d32;
  const std::int64_t lanes = hn::Lanes(d);
  const auto low_half = hn::Set(d, 0xFFFFFFFFu);
  const auto product = [&](auto v, std::uint64_t m) HWY_ATTR {
    return hn::MulEven(hn::BitCast(d32, v), hn::BitCast(d32, hn::Set(d, m)));
  };
  const std::uint64_t k = run.view == 0 ? key.value : mix64(key.value + run.view);
  const auto c2_first = hn::Set(d, run.sample & 0xFFFFFFFFu),
             c3_first = hn::Set(d, run.sample >> 32);
  auto counter = hn::Iota(d, run.block);
  for (std::int64_t done = 0; done < run.count; done += 4 * lanes) {
    // Only the lower halves of c0 .. c3 count: the upper ones may hold anything.
    auto c0 = counter;
    auto c1 = hn::ShiftRight<32>(c0), c2 = c2_first, c3 = c3_first;
    counter = hn::Add(counter, hn::Set(d, static_cast<std::uint64_t>(lanes)));
    std::uint32_t k0 = static_cast<std::uint32_t>(k), k1 = static_cast<std::uint32_t>(k >> 32);
    for (int round = 0; round < 10; round++) {
      const auto p0 = product(c0, 0xD2511F53u), p1 = product(c2, 0xCD9E8D57u);
      c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c1), hn::Set(d, k0));
      c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c3), hn::Set(d, k1));
      c1 = p1;
      c3 = p0;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    const auto first = hn::Or(hn::And(c0, low_half), hn::ShiftLeft<32>(c1));
    const auto second = hn::Or(hn::And(c2, low_half), hn::ShiftLeft<32>(c3));
    hn::StoreInterleaved2(first, second, d, reinterpret_cast<std::uint64_t*>(to(done)));
    then(done, 4 * lanes);
  }
}

#endif

/// Words 4 * run.block and on of a row. Writes whole vectors: `out` holds kDraws.
HWY_INLINE void draw_words(RandomKey key, const Run& run, std::uint32_t* out) {
  draw_groups(
      key, run, [&](std::int64_t done) HWY_ATTR { return out + done; },
      [](std::int64_t, std::int64_t) HWY_ATTR {});
}

}  // namespace lacuna::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
