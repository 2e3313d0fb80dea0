// Copies and fills of every layout and dtype: the same bytes as cpu's, those between the elements included.
#include "../../kernels/copy.h"

#include "twin.h"

namespace lacuna::test {
namespace {

constexpr Dtype kDtypes[] = {Dtype::f32, Dtype::bf16, Dtype::f64,    Dtype::i32,
                             Dtype::i64, Dtype::u8,   Dtype::boolean};

struct Move {
  const char* name;
  Layout y, x;
};

std::int64_t span(const Layout& l) {
  const Array a = array_of(nullptr, Dtype::u8, {}, l);
  std::int64_t last = l.offset;
  for (int d = 0; d < a.ndim; d++) {
    if (a.shape[d] == 0) return l.offset + 1;
    last += (a.shape[d] - 1) * a.strides[d];
  }
  return last + 1;
}

bool same_copy(const Move& m, Dtype to, Dtype from) {
  return same_bytes([&](Buffers& b) {
    b.add(to, std::vector<double>(span(m.y), 1));
    b.add(from, drawn(span(m.x), 0, 3));
    run<&KernelTable::copy>(Copy{b.array(0, m.y), b.array(1, m.x)}, b.device());
  });
}

const std::vector<Move>& moves() {
  static const std::vector<Move> all = {
      {"scalar", {{}}, {{}}},
      {"empty", {{3, 0}}, {{3, 0}}},
      {"one", {{1}}, {{1}}},
      {"whole vectors", {{4096}}, {{4096}}},
      {"a tail", {{1025}}, {{1025}}},
      {"less than a vector", {{3}}, {{3}}},
      {"y off its alignment", {{777}, {}, 1}, {{777}}},
      {"x off its alignment", {{777}}, {{777}, {}, 3}},
      {"a gap after each element", {{33, 5}}, {{33, 5}, {10, 2}}},
      {"gaps in y", {{33, 5}, {10, 2}}, {{33, 5}}},
      {"aligned rows of a wider x", {{7, 32}}, {{7, 32}, {64, 1}}},
      {"uneven rows of a wider x", {{7, 31}}, {{7, 31}, {65, 1}}},
      {"one value for all", {{5, 33}}, {{5, 33}, {0, 0}}},
      {"a row for all rows", {{5, 64}}, {{5, 64}, {0, 1}}},
      {"a column for all columns", {{5, 64}}, {{5, 64}, {1, 0}}},
      {"a column, strided", {{5, 7, 16}}, {{5, 7, 16}, {14, 2, 0}}},
      {"transposed", {{33, 70}}, {{33, 70}, {1, 33}}},
      {"transposed into gaps", {{33, 70}, {80, 1}, 5}, {{33, 70}, {1, 40}, 2}},
      {"a batch of transposed", {{3, 40, 33}}, {{3, 40, 33}, {1320, 1, 40}}},
      {"heads", {{2, 4, 9, 16}}, {{2, 4, 9, 16}, {576, 16, 64, 1}}},
      {"channels last", {{2, 9, 8, 12}}, {{2, 9, 8, 12}, {864, 1, 108, 9}}},
      {"three channels last", {{2, 3, 8, 12}}, {{2, 3, 8, 12}, {288, 1, 36, 3}}},
      {"dimensions reversed", {{5, 4, 3, 2, 9}}, {{5, 4, 3, 2, 9}, {1, 5, 20, 60, 120}}},
  };
  return all;
}

}  // namespace

TEST(EmuCopy, EveryLayout) {
  for (const Move& m : moves())
    for (Dtype t : kDtypes) EXPECT_TRUE(same_copy(m, t, t)) << m.name << ' ' << name_of(t);
}

TEST(EmuCopy, EveryConversion) {
  for (const Move& m : moves())
    for (Dtype to : kDtypes)
      for (Dtype from : kDtypes)
        EXPECT_TRUE(same_copy(m, to, from)) << m.name << ' ' << name_of(from) << ' ' << name_of(to);
}

TEST(EmuCopy, ConversionsOfTheUnusual) {
  const std::vector<double> values = {0.0, -0.0, 1e-45, 1e38,     -1e38,    INFINITY, -INFINITY,
                                      NAN, 0.5,  1.5,   1.003906, 1.011719, 255.0};
  for (Dtype from : {Dtype::f32, Dtype::f64, Dtype::bf16})
    for (Dtype to : {Dtype::f32, Dtype::f64, Dtype::bf16, Dtype::boolean})
      EXPECT_TRUE(same_bytes([&](Buffers& b) {
        const Layout l{{static_cast<std::int64_t>(values.size())}};
        b.add(to, std::vector<double>(values.size()));
        b.add(from, values);
        run<&KernelTable::copy>(Copy{b.array(0, l), b.array(1, l)}, b.device());
      })) << name_of(from)
          << ' ' << name_of(to);
}

TEST(EmuFill, EveryLayout) {
  for (const Move& m : moves())
    for (Dtype t : kDtypes)
      EXPECT_TRUE(same_bytes([&](Buffers& b) {
        b.add(t, std::vector<double>(span(m.y), 1));
        run<&KernelTable::fill>(Fill{b.array(0, m.y), 2.75}, b.device());
      })) << m.name
          << ' ' << name_of(t);
  EXPECT_TRUE(same_bytes([&](Buffers& b) {  // repeated elements are written once each
    b.add(Dtype::f32, {1, 1, 1});
    run<&KernelTable::fill>(Fill{b.array(0, {{2, 8}, {1, 0}}), 5}, b.device());
  }));
}

}  // namespace lacuna::test
