// Elementwise kernels where the cases of tests/ops do not reach: bf16, integers, misaligned and strided buffers.
#include "../../kernels/elementwise.h"

#include <cmath>

#include "twin.h"

namespace lacuna::test {
namespace {

struct Place {
  const char* name;
  Layout y, a, b;
};
// Buffers hold 2000 elements.
const Place kPlaces[] = {
    {"contiguous", {{777}}, {{777}}, {{777}}},
    {"results off their alignment", {{777}, {}, 1}, {{777}}, {{777}}},
    {"operands off their alignment", {{777}}, {{777}, {}, 3}, {{777}, {}, 5}},
    {"a row", {{5, 64}}, {{5, 64}}, {{5, 64}, {0, 1}}},
    {"an uneven row", {{5, 33}}, {{5, 33}}, {{5, 33}, {0, 1}}},
    {"a column", {{5, 64}}, {{5, 64}, {1, 0}}, {{5, 64}}},
    {"both scalars", {{65}}, {{65}, {0}}, {{65}, {0}}},
    {"transposed", {{9, 16}}, {{9, 16}, {1, 9}}, {{9, 16}}},
    {"four dimensions",
     {{2, 3, 4, 16}},
     {{2, 3, 4, 16}, {0, 64, 0, 1}},
     {{2, 3, 4, 16}, {4, 0, 1, 0}}},
    {"empty", {{3, 0}}, {{3, 0}}, {{3, 0}}},
};

// The device in T against cpu in f64, from values rounded to T.
void expect_close(const std::vector<double>& got, const std::vector<double>& want, Dtype t,
                  const std::string& what) {
  ASSERT_EQ(got.size(), want.size());
  const double unit = t == Dtype::bf16 ? 0x1p-8 : 2e-6;
  for (std::size_t i = 0; i < got.size(); i++)
    ASSERT_TRUE(std::fabs(got[i] - want[i]) <= unit * (1e-3 + std::fabs(want[i])) + 2e-6)
        << what << ' ' << i << ": " << got[i] << ", not " << want[i];
}

std::vector<double> rounded(std::vector<double> v, Dtype t) { return values_of(bytes_of(v, t), t); }

template <class F>
void against_f64(Dtype t, const std::vector<int>& results, const std::string& what, F f) {
  Buffers emu(DeviceType::emu), cpu(DeviceType::cpu);
  f(emu, t);
  f(cpu, Dtype::f64);
  EXPECT_TRUE(emu.intact());
  for (int r : results) expect_close(emu.values(r), cpu.values(r), t, what);
}

constexpr Dtype kFloats[] = {Dtype::f32, Dtype::bf16};

}  // namespace

TEST(EmuElementwise, Unary) {
  struct {
    UnaryOp kind;
    double low, high;
  } const ops[] = {
#define UNARY(NAME, FORWARD, GRADIENT, LOW, HIGH, ...) {UnaryOp::NAME, LOW, HIGH},
#include "../../kernels/elementwise.def"
  };
  for (const auto& op : ops)
    for (Dtype t : kFloats)
      for (int offset : {0, 1}) {
        const Layout l{{515}, {}, offset};
        against_f64(t, {0, 1}, name_of(op.kind), [&](Buffers& b, Dtype dtype) {
          const std::vector<double> ones(520, 1), x = rounded(drawn(520, op.low, op.high), t),
                                                  dy = rounded(drawn(520, -1, 1, 2), t);
          b.add(dtype, ones);
          b.add(dtype, ones);
          b.add(dtype, x);
          b.add(dtype, dy);
          run<&KernelTable::unary_forward>(
              UnaryForward{op.kind, b.array(0, l), b.array(2, l), 0.5, 1.5}, b.device());
          run<&KernelTable::unary_backward>(
              UnaryBackward{op.kind, b.array(1, l), b.array(3, l), b.array(2, l), 0.5, 1.5},
              b.device());
        });
      }
}

TEST(EmuElementwise, Binary) {
  struct {
    BinaryOp kind;
    double low, high;
  } const ops[] = {
#define BINARY(NAME, FORWARD, DA, DB, LOW, HIGH) {BinaryOp::NAME, LOW, HIGH},
#include "../../kernels/elementwise.def"
  };
  for (const auto& op : ops)
    for (const Place& p : kPlaces)
      for (Dtype t : kFloats)
        against_f64(t, {0, 1, 2}, std::string(name_of(op.kind)) + ' ' + p.name,
                    [&](Buffers& b, Dtype dtype) {
                      for (int i = 0; i < 3; i++) b.add(dtype, std::vector<double>(2000, 1));
                      b.add(dtype, rounded(drawn(2000, -1, 1, 2), t));
                      b.add(dtype, rounded(drawn(2000, op.low, op.high, 3), t));
                      b.add(dtype, rounded(drawn(2000, op.low, op.high, 4), t));
                      run<&KernelTable::binary_forward>(
                          BinaryForward{op.kind, b.array(0, p.y), b.array(4, p.a), b.array(5, p.b)},
                          b.device());
                      run<&KernelTable::binary_backward>(
                          BinaryBackward{op.kind, b.array(1, p.y), b.array(2, p.y), b.array(3, p.y),
                                         b.array(4, p.a), b.array(5, p.b)},
                          b.device());
                    });
}

TEST(EmuElementwise, Integers) {
  for (BinaryOp kind :
       {BinaryOp::add, BinaryOp::sub, BinaryOp::mul, BinaryOp::maximum, BinaryOp::minimum})
    for (const Place& p : kPlaces)
      for (Dtype t : {Dtype::i32, Dtype::i64, Dtype::u8})
        EXPECT_TRUE(same_bytes([&](Buffers& b) {
          b.add(t, std::vector<double>(2000, 1));
          b.add(t, drawn(2000, 0, 100, 3));
          b.add(t, drawn(2000, 0, 100, 4));
          run<&KernelTable::binary_forward>(
              BinaryForward{kind, b.array(0, p.y), b.array(1, p.a), b.array(2, p.b)}, b.device());
        })) << name_of(kind)
            << ' ' << p.name << ' ' << name_of(t);
}

constexpr Dtype kAll[] = {Dtype::f32, Dtype::bf16, Dtype::f64,    Dtype::i32,
                          Dtype::i64, Dtype::u8,   Dtype::boolean};

TEST(EmuElementwise, Compare) {
  for (CompareOp kind : {
#define COMPARE(NAME, ...) CompareOp::NAME,
#include "../../kernels/elementwise.def"
       })
    for (const Place& p : kPlaces)
      for (Dtype t : kAll)
        EXPECT_TRUE(same_bytes([&](Buffers& b) {
          std::vector<double> a = drawn(2000, 0, 3, 3), c = drawn(2000, 0, 3, 4);
          for (auto* v : {&a, &c})
            for (double& x : *v) x = std::floor(x);
          if (is_floating(t)) a[2] = NAN;
          b.add(Dtype::boolean, std::vector<double>(2000, 1));
          b.add(t, a);
          b.add(t, c);
          run<&KernelTable::compare>(
              Compare{kind, b.array(0, p.y), b.array(1, p.a), b.array(2, p.b)}, b.device());
        })) << name_of(kind)
            << ' ' << p.name << ' ' << name_of(t);
}

TEST(EmuElementwise, Where) {
  for (const Place& p : kPlaces)
    for (Dtype t : kAll)
      for (const Layout& condition : {p.a, p.b, p.y})
        EXPECT_TRUE(same_bytes([&](Buffers& b) {
          std::vector<double> c = drawn(2000, 0, 2);
          for (double& x : c) x = std::floor(x);
          b.add(t, std::vector<double>(2000, 1));
          b.add(Dtype::boolean, c);
          b.add(t, drawn(2000, 0, 100, 3));
          b.add(t, drawn(2000, 0, 100, 4));
          run<&KernelTable::where>(
              Where{b.array(0, p.y), b.array(1, condition), b.array(2, p.a), b.array(3, p.b)},
              b.device());
        })) << p.name
            << ' ' << name_of(t);
}

TEST(EmuElementwise, InPlaceAndF64) {
  for (Dtype t : kFloats)
    against_f64(t, {0, 1}, "in place", [&](Buffers& b, Dtype dtype) {
      const Layout l{{1025}};
      b.add(dtype, rounded(drawn(1025, -2, 2, 1), t));
      b.add(dtype, rounded(drawn(1025, -2, 2, 2), t));
      run<&KernelTable::binary_forward>(
          BinaryForward{BinaryOp::add, b.array(0, l), b.array(0, l), b.array(1, l)}, b.device());
      run<&KernelTable::unary_backward>(
          UnaryBackward{UnaryOp::relu, b.array(1, l), b.array(1, l), b.array(0, l)}, b.device());
    });
  Buffers b(DeviceType::emu);
  b.add(Dtype::f64, {1, 2});
  const Array x = b.array(0, {{2}});
  EXPECT_THROW(run<&KernelTable::unary_forward>(UnaryForward{UnaryOp::exp, x, x}, b.device()),
               Error);
  EXPECT_THROW(run<&KernelTable::binary_forward>(BinaryForward{BinaryOp::add, x, x, x}, b.device()),
               Error);
}

}  // namespace lacuna::test
