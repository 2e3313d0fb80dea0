// Tokens on a device where the cases of tests/ops do not reach: bf16, uneven buffers, wide tokens, many rows, any order of
// threads, an index that points nowhere.
#include "../../kernels/token_subset.h"

#include "kernel_check.h"

namespace lacuna::test {
namespace {

constexpr DeviceType kType = DeviceType::emu;

// A third of m tokens (at least one) kept in each of n rows: which ones, and their places.
struct Kept {
  std::vector<std::int64_t> kept, places;
  std::int64_t count;
  Kept(std::int64_t n, std::int64_t m) : places(n * m, -1), count((m + 2) / 3) {
    for (std::int64_t r = 0; r < n; r++)
      for (std::int64_t i = 0; i < count; i++) {
        const std::int64_t e = (3 * i + r) % m;
        kept.push_back(e);
        places[r * m + e] = i;
      }
  }
};

template <class T>
void check(std::int64_t n, std::int64_t m, std::int64_t d, std::size_t skip) {
  SCOPED_TRACE(std::string(name_of(dtype_of<T>)) + " " + std::to_string(n) + " x " +
               std::to_string(m) + " x " + std::to_string(d) + (skip ? " uneven" : ""));
  const Kept seen(n, m);
  const Sizes whole{n, m, d}, part{n, seen.count, d};
  Twin<std::int64_t> kept(kType, {n, seen.count}, seen.kept), places(kType, {n, m}, seen.places);
  Twin<T> x(kType, whole, drawn(count(whole), 1), skip), position(kType, {m, d}, drawn(m * d, 2)),
      y(kType, part, drawn(count(part), 3), skip), token(kType, {d}, drawn(d, 4), skip),
      z(kType, whole, skip), dx(kType, part, skip), dtoken(kType, {d}, skip);
  run_both<&KernelTable::take_tokens>(kType, [&](bool device) {
    return TakeTokens{y.on(device), x.on(device), kept.on(device), {}, position.on(device), true};
  });
  y.expect_close("kept", 1e-6);
  y.follow();
  run_both<&KernelTable::take_tokens>(kType, [&](bool device) {
    return TakeTokens{z.on(device),     y.on(device),        places.on(device),
                      token.on(device), position.on(device), false};
  });
  z.expect_close("restored", 1e-6);
  run_both<&KernelTable::restore_tokens_backward>(kType, [&](bool device) {
    return RestoreTokensBackward{dx.on(device), dtoken.on(device), x.on(device), places.on(device)};
  });
  dx.expect_close("dx", 0);
  dtoken.expect_close("dtoken", 1e-6);
}

}  // namespace

TEST(EmuTokenSubset, AgreesWithCpuF64) {
  for (const std::int64_t d : {1, 8, 33, 48, 264, 1032, 4104, 8200})
    for (const std::size_t skip : {0, 1}) {
      check<float>(3, 7, d, skip);
      check<bf16>(3, 7, d, skip);
      if (HasFatalFailure()) return;
    }
}

TEST(EmuTokenSubset, ManyRowsInSeveralChunks) {
  check<float>(40, 196, 12, 0);
  check<bf16>(9, 301, 8, 0);
  check<float>(40, 196, 3, 1);
}

TEST(EmuTokenSubset, AnIndexThatPointsNowhereGivesTheFill) {
  Twin<float> x(kType, {1, 2, 1}, std::vector<float>{3, 4}), y(kType, {1, 5, 1}),
      position(kType, {2, 1}, std::vector<float>{10, 20});
  Twin<std::int64_t> index(kType, {1, 5}, std::vector<std::int64_t>{1, 2, -1, 1000000, 0});
  run_both<&KernelTable::take_tokens>(kType, [&](bool device) {
    return TakeTokens{y.on(device), x.on(device), index.on(device), {}, position.on(device), true};
  });
  EXPECT_EQ(y.values(), (std::vector<float>{24, 0, 0, 0, 13}));
  EXPECT_EQ(y.wide(), (std::vector<double>{24, 0, 0, 0, 13}));
}

TEST(EmuTokenSubset, SameBitsForEveryOrderOfThreads) {
  const Kept seen(20, 50);
  expect_same_for_every_order([&] {
    Twin<std::int64_t> places(kType, {20, 50}, seen.places);
    Twin<float> dy(kType, {20, 50, 12}, drawn(20 * 50 * 12, 1)), dtoken(kType, {12});
    run<&KernelTable::restore_tokens_backward>(
        RestoreTokensBackward{{}, dtoken.on(true), dy.on(true), places.on(true)}, Device{kType});
    return dtoken.values();
  });
}

}  // namespace lacuna::test
