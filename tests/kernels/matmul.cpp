#include <lacuna/kernels/matmul.h>

#include "support.h"

namespace lacuna::test {
namespace {

struct Case {
  std::int64_t m, n, k;
  bool a_across = false, b_across = false;  // the operand is stored transposed
  std::int64_t batch = 1;
  bool a_repeats = false, b_repeats = false;  // with a batch stride of 0
  bool bias = false, accumulate = false;      // accumulate: the residual is c itself
  Epilogue epilogue = Epilogue::none;
  std::int64_t pad = 0;  // elements between two rows of c
  bool residual = false;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.m << "x" << c.n << "x" << c.k << (c.a_across ? " a^T" : "")
             << (c.b_across ? " b^T" : "") << " batch " << c.batch << (c.a_repeats ? " one a" : "")
             << (c.b_repeats ? " one b" : "") << (c.bias ? " bias" : "")
             << (c.accumulate ? " accumulate" : "") << (c.residual ? " residual" : "")
             << " epilogue " << static_cast<int>(c.epilogue) << " pad " << c.pad;
}

template <class T>
Array matrix(T* data, std::int64_t batch, std::int64_t rows, std::int64_t columns, bool across,
             bool repeats) {
  Array a = array(data, {batch, rows, columns});
  if (across) {
    a.strides[1] = 1;
    a.strides[2] = rows;
  }
  if (repeats) a.strides[0] = 0;
  return a;
}

template <class T>
struct Operands {
  Buffer<T> a, b, bias, old, c;
  Matmul args;
  bool accumulate;
  explicit Operands(const Case& s)
      : a(random<T>(s.batch * s.m * s.k, 1)),
        b(random<T>(s.batch * s.k * s.n, 2)),
        bias(random<T>(s.n, 3)),
        old(random<T>(s.batch * s.m * (s.n + s.pad), 4)),
        c(s.batch * s.m * (s.n + s.pad)) {
    args.a = matrix(a.data(), s.batch, s.m, s.k, s.a_across, s.a_repeats);
    args.b = matrix(b.data(), s.batch, s.k, s.n, s.b_across, s.b_repeats);
    args.c = array(c.data(), {s.batch, s.m, s.n});
    args.c.strides[1] = s.n + s.pad;
    args.c.strides[0] = s.m * (s.n + s.pad);
    if (s.bias) args.bias = array(bias.data(), {s.n});
    if (s.residual || s.accumulate) args.residual = args.c;
    if (s.residual) args.residual.data = old.data();
    accumulate = s.accumulate;
    args.epilogue = s.epilogue;
  }
  void run() {
    // Elements between rows must survive as well, so they get values too.
    for (std::int64_t i = 0; i < c.size(); i++)
      if (accumulate || (args.c.shape[2] && i % args.c.strides[1] >= args.c.shape[2]))
        c[i] = old[i];
    lacuna::run<&KernelTable::matmul>(args, kCpu);
  }
};

// The formula, element by element.
Buffer<double> formula(const Case& s, Operands<double>& o) {
  Buffer<double> c = o.old;
  const auto at = [](const Array& a, std::int64_t p, std::int64_t q, std::int64_t r) {
    return a.as<double>()[p * a.strides[0] + q * a.strides[1] + r * a.strides[2]];
  };
  for (std::int64_t batch = 0; batch < s.batch; batch++)
    for (std::int64_t i = 0; i < s.m; i++)
      for (std::int64_t j = 0; j < s.n; j++) {
        double& to = c[(batch * s.m + i) * (s.n + s.pad) + j];
        double sum = s.bias ? o.bias[j] : 0;
        for (std::int64_t k = 0; k < s.k; k++)
          sum += at(o.args.a, batch, i, k) * at(o.args.b, batch, k, j);
        if (s.accumulate || s.residual) sum += to;
        if (s.epilogue == Epilogue::relu) sum = sum < 0 ? 0 : sum;
        if (s.epilogue == Epilogue::sigmoid) sum = 1 / (1 + std::exp(-sum));
        if (s.epilogue == Epilogue::tanh) sum = std::tanh(sum);
        to = sum;
      }
  return c;
}

void check(const Case& s) {
  SCOPED_TRACE(::testing::PrintToString(s));
  Operands<double> exact(s);
  const Buffer<double> want = formula(s, exact);
  exact.run();
  EXPECT_TRUE(exact.c.intact());
  expect_near(exact.c, want, 1e-13, "f64");
  // A result may be small, by sigmoid and tanh or by chance, while the rounding error of its long sum is not.
  const bool small = s.epilogue > Epilogue::relu || s.m * s.n < 16;
  const double tolerance = 3e-6 + (small ? 1e-8 * s.k : 0);
  Operands<float> fast(s);
  every_way(
      fast.c, [&] { fast.run(); },
      [&](const std::string& what) { expect_near(fast.c, want, tolerance, what); });
}

TEST(Matmul, SizesAroundTheTilesEdges) {
  const Shape sizes = {1, 5, 7, 12, 13, 16, 17, 31, 32, 33, 63, 64, 65, 127};
  for (const std::int64_t s : sizes) {
    check({s, 33, 31});
    check({33, s, 31});
    check({33, 31, s});
    check({13, s, 7, false, true});
  }
}

TEST(Matmul, TransposedOperands) {
  for (const bool a : {false, true})
    for (const bool b : {false, true})
      for (const std::int64_t s : {1, 3, 31, 64, 100, 193}) {
        check({s, 70, 45, a, b});
        check({70, s, 45, a, b});
        check({70, 45, s, a, b});
      }
}

void check_ends(std::int64_t m, std::int64_t n, std::int64_t k) {
  for (const bool a : {false, true})
    for (const bool b : {false, true}) {
      Case s{m, n, k, a, b};
      s.bias = true;
      s.epilogue = Epilogue::relu;
      check(s);
      s.accumulate = true;
      s.epilogue = Epilogue::tanh;
      check(s);
      s.accumulate = false;
      s.residual = true;
      check(s);
    }
}

TEST(Matmul, LongSumsAreCutIntoBlocks) { check_ends(20, 130, 2600); }

TEST(Matmul, SmallResultsOfVeryLongSums) {
  check_ends(5, 27, 16500);
  check({3, 96, 16384, true, false});
}

TEST(Matmul, ManyPieces) {
  check({300, 260, 200});
  check({500, 20, 300});
  check({6, 700, 300, false, true});
  check({700, 10, 120, true, false});
  check({200, 600, 700, true, false});
  check({400, 1100, 50, true, true});
}

TEST(Matmul, BiasEpilogueAccumulateAndRowStride) {
  for (const Epilogue e : {Epilogue::none, Epilogue::relu, Epilogue::sigmoid, Epilogue::tanh})
    for (const bool bias : {false, true})
      for (const bool accumulate : {false, true})
        for (const std::int64_t n : {1, 9, 64, 71}) {
          Case s{19, n, 23};
          s.epilogue = e;
          s.bias = bias;
          s.accumulate = accumulate;
          s.pad = n == 71 ? 0 : 5;
          check(s);
          s.residual = !accumulate;
          if (s.residual) check(s);
        }
}

TEST(Matmul, FewRowsOfATransposedB) {
  for (std::int64_t m = 1; m <= 5; m++)
    for (const std::int64_t n : {1, 3, 64, 130})
      for (const std::int64_t k : {1, 15, 33, 100, 1500}) {
        Case s{m, n, k, false, true};
        s.bias = n != 3;
        s.accumulate = n == 3;
        s.residual = n == 64;
        s.epilogue = k == 33 ? Epilogue::sigmoid : Epilogue::relu;
        check(s);
      }
}

TEST(Matmul, Batches) {
  for (const std::int64_t batch : {2, 7})
    for (const bool across : {false, true})
      for (const int repeats : {0, 1, 2, 3}) {
        Case s{17, 20, 33, across, !across, batch, (repeats & 1) != 0, (repeats & 2) != 0};
        s.bias = true;
        check(s);
        s.residual = true;
        check(s);
      }
  check({64, 64, 64, false, true, 40});
}

TEST(Matmul, EmptySizes) {
  check({0, 5, 5});
  check({5, 0, 5});
  check({5, 5, 5, false, false, 0});
  Case s{5, 70, 0};
  s.bias = true;
  check(s);
  s.accumulate = true;
  check(s);
}

TEST(Matmul, NotANumberPasses) {
  Operands<float> o({13, 17, 9, false, false, 1, false, false, true, false, Epilogue::relu});
  o.a[2 * 9 + 4] = NAN;
  o.run();
  for (std::int64_t i = 0; i < 13; i++)
    for (std::int64_t j = 0; j < 17; j++)
      EXPECT_EQ(std::isnan(o.c[i * 17 + j]), i == 2) << i << ", " << j;
}

TEST(Matmul, FourDimensionsWithHeadsInside) {
  // c is (batch, heads, rows, d) written into memory ordered (batch, rows, heads, d), as attention wants it.
  const std::int64_t batch = 2, heads = 3, rows = 10, d = 8, k = 12;
  auto a = random<float>(batch * heads * rows * k, 1), b = random<float>(batch * heads * k * d, 2);
  Buffer<float> c(batch * rows * heads * d);
  Matmul args;
  args.a = array(a.data(), {batch, heads, rows, k});
  args.b = array(b.data(), {batch, heads, k, d});
  args.c = array(c.data(), {batch, heads, rows, d});
  args.c.strides[0] = rows * heads * d;
  args.c.strides[1] = d;
  args.c.strides[2] = heads * d;
  run<&KernelTable::matmul>(args, kCpu);
  for (std::int64_t p = 0; p < batch; p++)
    for (std::int64_t h = 0; h < heads; h++)
      for (std::int64_t i = 0; i < rows; i++)
        for (std::int64_t j = 0; j < d; j++) {
          double sum = 0;
          for (std::int64_t q = 0; q < k; q++)
            sum += double{a[((p * heads + h) * rows + i) * k + q]} *
                   b[((p * heads + h) * k + q) * d + j];
          EXPECT_NEAR(c[((p * rows + i) * heads + h) * d + j], sum, 1e-5);
        }
}

TEST(Matmul, RulesNameEveryShape) {
  Buffer<float> memory(4096);
  const auto text = [&](const Shape& a, const Shape& b, const Shape& c,
                        const std::function<void(Matmul&)>& change = nullptr) {
    Matmul args;
    args.a = array(memory.data(), a);
    args.b = array(memory.data(), b);
    args.c = array(memory.data(), c);
    if (change) change(args);
    return error_of([&] { run<&KernelTable::matmul>(args, kCpu); });
  };
  EXPECT_EQ(text({4, 3}, {4, 5}, {4, 5}),
            "[matmul] a's columns must equal b's rows: got a (4, 3) f32 cpu, b (4, 5) f32 cpu, c "
            "(4, 5) f32 cpu");
  EXPECT_EQ(text({4, 3}, {3, 5}, {5, 4}),
            "[matmul] c must have a's rows and b's columns: got a (4, 3) f32 cpu, b (3, 5) f32 "
            "cpu, c (5, 4) f32 cpu");
  EXPECT_EQ(text({3}, {3}, {1}),
            "[matmul] a must have at least two dimensions: got a (3) f32 cpu, b (3) f32 cpu, c (1) "
            "f32 cpu");
  EXPECT_EQ(text({2, 4, 3}, {3, 3, 5}, {2, 4, 5}),
            "[matmul] a, b and c must have the same batch dimensions: got a (2, 4, 3) f32 cpu, b "
            "(3, 3, 5) f32 cpu, c (2, 4, 5) f32 cpu");
  EXPECT_EQ(text({2, 4, 3}, {3, 5}, {2, 4, 5}),
            "[matmul] a, b and c must have the same number of dimensions: got a (2, 4, 3) f32 cpu, "
            "b (3, 5) f32 cpu, c (2, 4, 5) f32 cpu");
  EXPECT_EQ(text({4, 3}, {3, 5}, {4, 5}, [](Matmul& m) { m.a.strides[1] = 2; }),
            "[matmul] a must have unit stride in one of its last two dimensions: got a (4, 3) f32 "
            "cpu strided, b (3, 5) f32 cpu, c (4, 5) f32 cpu");
  EXPECT_EQ(text({4, 3}, {3, 5}, {4, 5}, [](Matmul& m) { m.c.strides[1] = 2; }),
            "[matmul] c must have unit stride in its last dimension: got a (4, 3) f32 cpu, b (3, "
            "5) f32 cpu, c (4, 5) f32 cpu strided");
  EXPECT_EQ(text({4, 3}, {3, 5}, {4, 5}, [](Matmul& m) { m.b.strides[0] = -5; }),
            "[matmul] b's strides must not be negative: got stride -5 in dimension 0 of a (4, 3) "
            "f32 cpu, b (3, 5) f32 cpu strided, c (4, 5) f32 cpu");
  EXPECT_EQ(text({4, 3}, {3, 5}, {4, 5}, [&](Matmul& m) { m.bias = array(memory.data(), {4}); }),
            "[matmul] bias must have one element for each of c's columns: got a (4, 3) f32 cpu, b "
            "(3, 5) f32 cpu, bias (4) f32 cpu, c (4, 5) f32 cpu");
  EXPECT_EQ(text({4, 3}, {3, 5}, {4, 5}, [](Matmul& m) { m.b.dtype = Dtype::f64; }),
            "[matmul] arguments must have one dtype: got a (4, 3) f32 cpu, b (3, 5) f64 cpu, c (4, "
            "5) f32 cpu");
}

}  // namespace
}  // namespace lacuna::test
