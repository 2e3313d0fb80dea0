// What is drawn on a device has the bits of what cpu draws: fills, dropout, masked pictures, subsets, gaps in texts.
#include <cmath>

#include "../../kernels/dropout.h"
#include "../../kernels/mask_image.h"
#include "../../kernels/mask_tokens.h"
#include "../../kernels/random_subset.h"
#include "twin.h"

namespace lacuna::test {
namespace {

constexpr std::int64_t kRows = 5;
const RandomKey kKey = RandomKey::of(7, stream_of("test"), 3);

// Samples beyond 32 bits, and views.
std::vector<double> ids(std::int64_t rows) {
  std::vector<double> v;
  for (std::int64_t r = 0; r < rows; r++) {
    v.push_back(r % 2 ? 5e12 + static_cast<double>(r) : static_cast<double>(3 * r));
    v.push_back(static_cast<double>(r % 3));
  }
  return v;
}

}  // namespace

TEST(EmuRandom, FillsHaveTheBitsOfCpu) {
  struct {
    Distribution kind;
    Dtype dtype;
    double a, b;
  } const fills[] = {
      {Distribution::uniform, Dtype::f32, -3, 5},
      {Distribution::uniform, Dtype::f32, 0.1, 0.7},
      {Distribution::normal, Dtype::f32, 1, 2},
      {Distribution::normal, Dtype::f32, 0, 0.02},
      {Distribution::bernoulli, Dtype::f32, 0.3, 0},
      {Distribution::bernoulli, Dtype::u8, 0.5, 0},
      {Distribution::bernoulli, Dtype::boolean, 1, 0},
      {Distribution::bernoulli, Dtype::u8, 0, 0},
  };
  for (const auto& f : fills)
    for (std::int64_t n : {0, 1, 3, 4, 33, 128, 1025})
      for (bool named : {false, true})
        for (int offset : {0, 1})
          EXPECT_TRUE(same_bytes([&](Buffers& b) {
            b.add(f.dtype, std::vector<double>(kRows * n + 1, 1));
            b.add(Dtype::i64, ids(kRows));
            run<&KernelTable::random_fill>(
                RandomFill{f.kind, b.array(0, {{kRows, n}, {}, offset}),
                           named ? b.array(1, {{kRows, 2}}) : Array{}, kKey, f.a, f.b},
                b.device());
          })) << static_cast<int>(f.kind)
              << ' ' << name_of(f.dtype) << ' ' << n << ' ' << named;
}

TEST(EmuRandom, DropoutHasTheBitsOfCpu) {
  for (std::int64_t n : {0, 1, 7, 64, 1025})
    for (double p : {0.0, 0.3, 1.0})
      for (int offset : {0, 1})
        EXPECT_TRUE(same_bytes([&](Buffers& b) {
          const Layout l{{kRows, n}, {}, offset};
          b.add(Dtype::f32, drawn(kRows * n + 1));
          b.add(Dtype::i64, ids(kRows));
          run<&KernelTable::dropout>(  // in place
              Dropout{b.array(0, l), b.array(0, l), b.array(1, {{kRows, 2}}), kKey, p}, b.device());
        })) << n
            << ' ' << p;
}

TEST(EmuRandom, DropoutInBf16KeepsTheSameElements) {
  for (std::int64_t n : {1, 7, 64, 1025})
    for (int offset : {0, 1}) {
      Buffers b(DeviceType::emu);
      const Layout l{{kRows, n}, {}, offset};
      for (Dtype t : {Dtype::f32, Dtype::bf16}) {
        b.add(t, std::vector<double>(kRows * n + 1, 7));
        b.add(t, values_of(bytes_of(drawn(kRows * n + 1), Dtype::bf16), Dtype::bf16));
      }
      for (int i : {0, 2})
        run<&KernelTable::dropout>(Dropout{b.array(i, l), b.array(i + 1, l), {}, kKey, 0.4},
                                   b.device());
      EXPECT_TRUE(b.intact());
      EXPECT_EQ(values_of(bytes_of(b.values(0), Dtype::bf16), Dtype::bf16), b.values(2));
    }
}

TEST(EmuRandom, MaskedPicturesHaveTheBitsOfCpu) {
  const Layout shapes[] = {{{3, 8, 9, 3}}, {{3, 8, 8, 4}}, {{2, 5, 7, 1}}, {{0, 4, 4, 3}}};
  for (const Layout& l : shapes)
    for (MaskKind kind : {MaskKind::none, MaskKind::value, MaskKind::pixel, MaskKind::block,
                          MaskKind::centre, MaskKind::region})
      for (MaskFill fill : {MaskFill::zero, MaskFill::mean, MaskFill::noise})
        for (double noise : {0.0, 0.1})
          for (int first = 0; first < 3; first++)  // the output that is compared: buffer 0
            EXPECT_TRUE(same_bytes([&](Buffers& b) {
              const std::int64_t rows = l.shape[0], n = rows * l.shape[1] * l.shape[2] * l.shape[3];
              int at[3];
              for (int i = 0; i < 3; i++) {
                const int which = (first + i) % 3;
                at[which] = b.add(which == 2 ? Dtype::u8 : Dtype::f32, std::vector<double>(n, 7));
              }
              const int pixels = b.add(Dtype::u8, drawn(n, 0, 256)),
                        names = b.add(Dtype::i64, ids(rows));
              MaskImage a{.target = b.array(at[0], l),
                          .masked = b.array(at[1], l),
                          .hidden = b.array(at[2], l),
                          .pixels = b.array(pixels, l),
                          .ids = b.array(names, {{rows, 2}}),
                          .kind = kind,
                          .fill = fill,
                          .ratio = 0.3,
                          .block = 3,
                          .noise = noise,
                          .mean = {0.1, 0.2, 0.3, 0.4},
                          .key = kKey,
                          .fill_key = RandomKey::of(1, 2),
                          .noise_key = RandomKey::of(3, 4)};
              run<&KernelTable::mask_image>(a, b.device());
            })) << static_cast<int>(kind)
                << ' ' << static_cast<int>(fill) << ' ' << noise << ' ' << first;
}

TEST(EmuRandom, SubsetsHaveTheBitsOfCpu) {
  for (std::int64_t length : {1, 7, 64, 196, 1025})
    for (std::int64_t count : {std::int64_t{0}, length / 4, length})
      for (int offset : {0, 1})
        for (int first = 0; first < 3; first++)  // the output that is compared: buffer 0
          EXPECT_TRUE(same_bytes([&](Buffers& b) {
            const Layout whole{{kRows, length}, {}, offset}, part{{kRows, count}, {}, offset};
            int at[3];
            for (int i = 0; i < 3; i++) {
              const int which = (first + i) % 3;
              at[which] = b.add(which == 2 ? Dtype::u8 : Dtype::i64,
                                std::vector<double>(kRows * length + 1, 7));
            }
            const int names = b.add(Dtype::i64, ids(kRows));
            run<&KernelTable::random_subset>(
                RandomSubset{b.array(at[0], part), b.array(at[1], whole), b.array(at[2], whole),
                             b.array(names, {{kRows, 2}}), kKey},
                b.device());
          })) << length
              << ' ' << count << ' ' << offset << ' ' << first;
}

TEST(EmuRandom, MaskedTokensHaveTheBitsOfCpu) {
  for (std::int64_t n : {1, 7, 64, 196, 1025})
    for (bool exact : {false, true})
      for (double probability : {0.0, 0.15, 1.0})
        for (int offset : {0, 1})
          for (int first = 0; first < 2; first++)
            EXPECT_TRUE(same_bytes([&](Buffers& b) {
              const Layout l{{kRows, n}, {}, offset};
              int at[2];
              for (int i = 0; i < 2; i++)
                at[(first + i) % 2] = b.add(Dtype::i64, std::vector<double>(kRows * n + 1, 7));
              const int tokens = b.add(Dtype::i64, drawn(kRows * n + 1, 0, 50)),
                        lengths = b.add(Dtype::i64, drawn(kRows, 0, static_cast<double>(n + 2))),
                        names = b.add(Dtype::i64, ids(kRows));
              run<&KernelTable::mask_tokens>(MaskTokens{.masked = b.array(at[0], l),
                                                        .labels = b.array(at[1], l),
                                                        .tokens = b.array(tokens, l),
                                                        .lengths = b.array(lengths, {{kRows}}),
                                                        .ids = b.array(names, {{kRows, 2}}),
                                                        .probability = probability,
                                                        .exact = exact,
                                                        .max_predictions = 100,
                                                        .mask_id = 4,
                                                        .vocabulary = 50,
                                                        .special = {0, 3},
                                                        .specials = 2,
                                                        .key = kKey,
                                                        .replace_key = RandomKey::of(1, 2)},
                                             b.device());
            })) << n
                << ' ' << exact << ' ' << probability << ' ' << offset << ' ' << first;
}

TEST(EmuRandom, F64IsForCpu) {
  Buffers b(DeviceType::emu);
  b.add(Dtype::f64, {1, 2});
  const Array y = b.array(0, {{1, 2}});
  EXPECT_THROW(
      run<&KernelTable::random_fill>(RandomFill{Distribution::uniform, y, {}, kKey}, b.device()),
      Error);
}

}  // namespace lacuna::test
