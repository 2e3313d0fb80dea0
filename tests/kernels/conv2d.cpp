#include <lacuna/kernels/conv2d.h>
#include <lacuna/kernels/winograd.h>

#include "conv.h"
#include "support.h"

namespace lacuna::test {
namespace {

template <class T>
struct Operands {
  Buffer<T> x, weight, bias, dy, residual, y, dx, dweight, dbias;
  ConvCase s;
  explicit Operands(const ConvCase& c)
      : x(random<T>(count(c.x_shape()), 1)),
        weight(random<T>(count(c.weight_shape()), 2)),
        bias(random<T>(c.co, 3)),
        dy(random<T>(count(c.y_shape()), 4)),
        residual(random<T>(count(c.y_shape()), 5)),
        y(count(c.y_shape())),
        dx(count(c.x_shape())),
        dweight(count(c.weight_shape())),
        dbias(c.co),
        s(c) {}
  void forward() {
    Conv2dForward a;
    a.y = array(y.data(), s.y_shape());
    a.x = array(x.data(), s.x_shape());
    a.weight = array(weight.data(), s.weight_shape());
    if (s.bias) a.bias = array(bias.data(), {s.co});
    a.window = s.window;
    a.groups = s.groups;
    a.epilogue = s.epilogue;
    if (s.residual) a.residual = array(residual.data(), s.y_shape());
    run<&KernelTable::conv2d_forward>(a, kCpu);
  }
  void grad_input() {
    Conv2dGradInput a;
    a.dx = array(dx.data(), s.x_shape());
    a.dy = array(dy.data(), s.y_shape());
    a.weight = array(weight.data(), s.weight_shape());
    a.window = s.window;
    a.groups = s.groups;
    run<&KernelTable::conv2d_grad_input>(a, kCpu);
  }
  void grad_weight() {
    Conv2dGradWeight a;
    a.dweight = array(dweight.data(), s.weight_shape());
    if (s.bias) a.dbias = array(dbias.data(), {s.co});
    a.dy = array(dy.data(), s.y_shape());
    a.x = array(x.data(), s.x_shape());
    a.window = s.window;
    a.groups = s.groups;
    run<&KernelTable::conv2d_grad_weight>(a, kCpu);
  }
};

void check(const ConvCase& s) {
  SCOPED_TRACE(::testing::PrintToString(s));
  Operands<double> exact(s);
  Buffer<double> y(count(s.y_shape())), dx(count(s.x_shape())), dw(count(s.weight_shape())),
      db(s.co);
  brute_force(s, exact.x, exact.weight, exact.bias, exact.dy, y, dx, dw, db,
              s.residual ? exact.residual.data() : nullptr);
  exact.forward();
  exact.grad_input();
  exact.grad_weight();
  EXPECT_TRUE(exact.y.intact() && exact.dx.intact() && exact.dweight.intact() &&
              exact.dbias.intact());
  expect_near(exact.y, y, 1e-12, "f64 forward");
  expect_near(exact.dx, dx, 1e-12, "f64 grad_input");
  expect_near(exact.dweight, dw, 1e-12, "f64 grad_weight");
  if (s.bias) expect_near(exact.dbias, db, 1e-12, "f64 dbias");

  Operands<float> f(s);
  every_way(
      f.y, [&] { f.forward(); },
      [&](const std::string& what) { expect_near(f.y, y, 5e-6, "forward, " + what); });
  every_way(
      f.dx, [&] { f.grad_input(); },
      [&](const std::string& what) { expect_near(f.dx, dx, 5e-6, "grad_input, " + what); });
  every_way(
      f.dweight, [&] { f.grad_weight(); },
      [&](const std::string& what) {
        expect_near(f.dweight, dw, 5e-6, "grad_weight, " + what);
        if (s.bias) expect_near(f.dbias, db, 5e-6, "dbias, " + what);
        EXPECT_TRUE(f.dbias.intact());
      });
}

ConvCase simple(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t ci, std::int64_t co,
                std::int64_t kernel, std::int64_t stride = 1, std::int64_t padding = 0,
                std::int64_t dilation = 1, std::int64_t groups = 1) {
  ConvCase c;
  c.n = n;
  c.h = h;
  c.w = w;
  c.ci = ci;
  c.co = co;
  c.kh = c.kw = kernel;
  c.window = {{stride, stride}, {padding, padding}, {dilation, dilation}};
  c.groups = groups;
  return c;
}

TEST(Conv2d, ChannelsAroundTheTilesEdges) {
  for (const std::int64_t c : {1, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127}) {
    check(simple(2, 5, 6, c, 8, 3, 1, 1));
    check(simple(2, 5, 6, 8, c, 3, 1, 1));
  }
}

TEST(Conv2d, Batches) {
  for (std::int64_t n = 1; n <= 7; n++) check(simple(n, 6, 5, 10, 20, 3, 1, 1));
}

TEST(Conv2d, Kernels) {
  for (const std::int64_t k : {1, 2, 3, 4, 5, 7, 11}) {
    check(simple(2, 12, 13, 3, 9, k, 1, k / 2));
    check(simple(2, 12, 13, 6, 5, k, 2, k / 2));
  }
}

TEST(Conv2d, StridesPaddingAndDilation) {
  for (const std::int64_t stride : {1, 2, 3})
    for (const std::int64_t padding : {0, 1, 3})
      for (const std::int64_t dilation : {1, 2, 3})
        check(simple(2, 9, 11, 5, 6, 3, stride, padding, dilation));
}

TEST(Conv2d, HeightAndWidthDiffer) {
  ConvCase c = simple(3, 7, 20, 6, 10, 1);
  c.kh = 2;
  c.kw = 5;
  c.window = {{2, 3}, {1, 2}, {3, 1}};
  check(c);
  c.kh = 5;
  c.kw = 1;
  c.window = {{1, 2}, {4, 0}, {1, 1}};
  check(c);
  c.window = {
      {3, 1}, {2, 7}, {1, 2}};  // pads wider than the kernel: whole columns of outputs see nothing
  check(c);
}

TEST(Conv2d, Groups) {
  check(simple(2, 6, 7, 4, 6, 3, 1, 1, 1, 2));
  check(simple(2, 6, 7, 24, 24, 3, 1, 1, 1, 24));
  check(simple(2, 6, 7, 20, 40, 3, 2, 1, 1, 20));
  check(simple(1, 6, 7, 48, 96, 1, 1, 0, 1, 3));
  check(simple(3, 9, 9, 65, 65, 5, 1, 4, 2, 65));
}

TEST(Conv2d, WeightsThatDoNotFitTheCache) {
  check(simple(2, 4, 4, 300, 70, 3, 1, 1));
  check(simple(1, 3, 3, 1800, 10, 1));
  check(simple(1, 3, 3, 1800, 10, 2, 1, 1));
  check(simple(2, 3, 3, 10, 1800, 2, 1, 1));
}

TEST(Conv2d, ManyPieces) {
  check(simple(8, 16, 16, 32, 64, 3, 1, 1));
  check(simple(5, 17, 15, 3, 64, 3, 1, 1));
  check(simple(3, 16, 16, 24, 130, 3, 2, 1));
  check(simple(4, 32, 32, 3, 20, 4, 4, 0));
}

TEST(Conv2d, BiasAndEpilogue) {
  for (const bool bias : {false, true})
    for (const Epilogue e : {Epilogue::none, Epilogue::relu, Epilogue::sigmoid, Epilogue::tanh}) {
      ConvCase c = simple(2, 5, 6, 9, 18, 3, 1, 1);
      c.bias = bias;
      c.epilogue = e;
      check(c);
    }
}

TEST(Conv2d, Residual) {
  ConvCase c = simple(2, 5, 6, 9, 18, 3, 1, 1);
  c.residual = true;
  for (const bool bias : {false, true})
    for (const Epilogue e : {Epilogue::none, Epilogue::relu, Epilogue::tanh}) {
      c.bias = bias;
      c.epilogue = e;
      check(c);
    }
  for (ConvCase more : {simple(2, 4, 4, 300, 70, 3, 1, 1), simple(3, 16, 16, 24, 130, 3, 2, 1),
                        simple(2, 6, 7, 24, 24, 3, 1, 1, 1, 24), simple(2, 9, 11, 5, 6, 3, 2, 7)}) {
    more.residual = true;  // sums in blocks, many pieces, depthwise, windows that see nothing
    check(more);
  }
}

// Together or not at all, f32, one value a channel; and they are what batch norm would compute.
TEST(Conv2d, Moments) {
  const ConvCase s = simple(3, 9, 8, 5, 7, 3, 1, 1);
  Operands<float> o(s);
  Buffer<float> mean(7), centred(7);
  Conv2dForward a;
  a.y = array(o.y.data(), s.y_shape());
  a.x = array(o.x.data(), s.x_shape());
  a.weight = array(o.weight.data(), s.weight_shape());
  a.bias = array(o.bias.data(), {7});
  a.window = s.window;
  a.mean = array(mean.data(), {7});
  const auto call = [&] { run<&KernelTable::conv2d_forward>(a, kCpu); };
  EXPECT_EQ(error_of(call),
            "[conv2d] mean and centred come together: got mean (7) f32 cpu, centred () f32 cpu");
  a.centred = array(centred.data(), {6});
  EXPECT_EQ(error_of(call),
            "[conv2d] centred must have one value a channel: got centred (6) f32 cpu for y (3, 9, "
            "8, 7) f32 cpu");
  a.centred = array(centred.data(), {7});
  call();
  for (int c = 0; c < 7; c++) {
    double sum = 0, squares = 0;
    for (std::int64_t i = c; i < o.y.size(); i += 7) sum += o.y[i] / (3 * 9 * 8);
    for (std::int64_t i = c; i < o.y.size(); i += 7) squares += (o.y[i] - sum) * (o.y[i] - sum);
    EXPECT_NEAR(mean[c], sum, 1e-6 * (1 + std::fabs(sum)));
    EXPECT_NEAR(centred[c], squares, 1e-5 * squares);
  }
  EXPECT_TRUE(mean.intact() && centred.intact());
}

// Whether forward and both gradients come out otherwise than by direct sums: whether they were taken.
bool by_winograd(const ConvCase& s) {
  Operands<float> o(s), direct(s);
  set_winograd(false);
  direct.forward(), direct.grad_input(), direct.grad_weight();
  set_winograd(true);
  o.forward(), o.grad_input(), o.grad_weight();
  const auto differ = [](const Buffer<float>& a, const Buffer<float>& b) {
    return !std::equal(a.data(), a.data() + a.size(), b.data());
  };
  return differ(o.y, direct.y) && differ(o.dx, direct.dx) && differ(o.dweight, direct.dweight);
}

// Whole tiles and tiles over the border, every padding, panels that are not full, several blocks and rounds.
TEST(Conv2d, Winograd) {
  for (const ConvCase& s :
       {simple(3, 16, 16, 32, 48, 3, 1, 1), simple(4, 15, 13, 48, 32, 3, 1, 1),
        simple(4, 14, 18, 32, 32, 3), simple(4, 14, 14, 32, 32, 3, 1, 2),
        simple(50, 4, 4, 32, 80, 3, 1, 1), simple(15, 16, 16, 32, 32, 3, 1, 1)}) {
    EXPECT_TRUE(by_winograd(s)) << ::testing::PrintToString(s);
    check(s);
  }
  ConvCase s = simple(3, 15, 16, 32, 48, 3, 1, 1);
  s.bias = s.residual = true;
  s.epilogue = Epilogue::relu;
  check(s);
  EXPECT_FALSE(by_winograd(simple(3, 16, 16, 32, 48, 3, 2, 1)));
  EXPECT_FALSE(by_winograd(simple(2, 4, 4, 32, 48, 3, 1, 1)));
}

// What winograd.h says of rounding.
TEST(Conv2d, RoundingIsAsStated) {
  struct Stated {
    std::int64_t channels;
    double direct, winograd;
  };
  for (const Stated& stated : {Stated{64, 4e-6, 6e-6}, Stated{512, 1e-5, 2e-5}}) {
    const ConvCase s = simple(12, 8, 8, stated.channels, 32, 3, 1, 1);
    Operands<double> exact(s);
    Operands<float> f(s);
    exact.forward();
    double squares = 0;
    for (std::int64_t i = 0; i < exact.y.size(); i++) squares += exact.y[i] * exact.y[i];
    for (const bool winograd : {false, true}) {
      set_winograd(winograd);
      f.forward();
      double most = 0;
      for (std::int64_t i = 0; i < exact.y.size(); i++)
        most = std::max(most, std::abs(f.y[i] - exact.y[i]));
      most /= std::sqrt(squares / static_cast<double>(exact.y.size()));
      EXPECT_LE(most, winograd ? stated.winograd : stated.direct);
      std::printf("%lld terms, %s: %.1e of the root mean square\n",
                  static_cast<long long>(9 * stated.channels), winograd ? "Winograd" : "direct",
                  most);
    }
  }
}

TEST(Conv2d, EmptySizes) {
  check(simple(0, 5, 6, 3, 4, 3, 1, 1));
  check(simple(2, 5, 6, 0, 4, 3, 1, 1));
  check(simple(2, 5, 6, 3, 0, 3, 1, 1));
  check(simple(2, 0, 6, 3, 4, 3, 1, 2));
}

TEST(Conv2d, RulesNameEveryShape) {
  Buffer<float> memory(200000);
  const auto text = [&](const Shape& x, const Shape& weight, const Shape& y,
                        const std::function<void(Conv2dForward&)>& change = nullptr) {
    Conv2dForward args;
    args.x = array(memory.data(), x);
    args.weight = array(memory.data(), weight);
    args.y = array(memory.data(), y);
    if (change) change(args);
    return error_of([&] { run<&KernelTable::conv2d_forward>(args, kCpu); });
  };
  EXPECT_EQ(
      text({8, 32, 32, 3}, {16, 3, 3, 4}, {8, 30, 30, 16}),
      "[conv2d] weight's in-channels must equal input channels / groups: got x (8, 32, 32, 3) f32 "
      "cpu, weight (16, 3, 3, 4) f32 cpu, y (8, 30, 30, 16) f32 cpu, groups 1");
  EXPECT_EQ(
      text({8, 32, 32, 3}, {16, 3, 3, 3}, {8, 32, 30, 16}),
      "[conv2d] y's height must be 30 (stride 1, padding 0, dilation 1): got x (8, 32, 32, 3) f32 "
      "cpu, weight (16, 3, 3, 3) f32 cpu, y (8, 32, 30, 16) f32 cpu, groups 1");
  EXPECT_EQ(
      text({8, 2, 32, 3}, {16, 3, 3, 3}, {8, 1, 30, 16}),
      "[conv2d] kernel must fit the padded input: got height 2, padding 0, kernel 3, dilation 1 "
      "with x (8, 2, 32, 3) f32 cpu, weight (16, 3, 3, 3) f32 cpu, y (8, 1, 30, 16) f32 cpu, "
      "groups 1");
  EXPECT_EQ(
      text({8, 4, 4, 3}, {16, 3, 3, 3}, {8, 2, 2, 16}, [](Conv2dForward& a) { a.groups = 2; }),
      "[conv2d] groups must divide the input channels: got x (8, 4, 4, 3) f32 cpu, weight (16, 3, "
      "3, 3) f32 cpu, y (8, 2, 2, 16) f32 cpu, groups 2");
  EXPECT_EQ(text({8, 4, 4, 3}, {16, 3, 3, 3}, {8, 2, 2, 16},
                 [](Conv2dForward& a) { a.window.stride[1] = 0; }),
            "[conv2d] stride must be at least 1: got stride (1, 0)");
  EXPECT_EQ(
      text({8, 4, 4, 3}, {16, 3, 3, 3}, {8, 2, 2, 16},
           [&](Conv2dForward& a) { a.bias = array(memory.data(), {15}); }),
      "[conv2d] bias must have one element an output channel: got x (8, 4, 4, 3) f32 cpu, weight "
      "(16, 3, 3, 3) f32 cpu, bias (15) f32 cpu, y (8, 2, 2, 16) f32 cpu, groups 1");
  EXPECT_EQ(text({8, 4, 4, 3}, {16, 3, 3, 3}, {8, 2, 2, 16},
                 [&](Conv2dForward& a) {
                   a.residual = array(memory.data(), {8, 2, 2, 1});
                 }),
            "[conv2d] arguments must have one shape: got y (8, 2, 2, 16) f32 cpu, residual (8, 2, "
            "2, 1) f32 cpu");
  EXPECT_EQ(
      text({4, 4, 3}, {16, 3, 3, 3}, {8, 2, 2, 16}),
      "[conv2d] x must have four dimensions (n, h, w, channels): got x (4, 4, 3) f32 cpu, weight "
      "(16, 3, 3, 3) f32 cpu, y (8, 2, 2, 16) f32 cpu, groups 1");
  Conv2dGradInput back;
  back.dx = array(memory.data(), {8, 4, 4, 3});
  back.weight = array(memory.data(), {16, 3, 3, 3});
  back.dy = array(memory.data(), {8, 3, 2, 16});
  EXPECT_EQ(
      error_of([&] { run<&KernelTable::conv2d_grad_input>(back, kCpu); }),
      "[conv2d grad_input] dy's height must be 2 (stride 1, padding 0, dilation 1): got dx (8, 4, "
      "4, 3) f32 cpu, weight (16, 3, 3, 3) f32 cpu, dy (8, 3, 2, 16) f32 cpu, groups 1");
}

}  // namespace
}  // namespace lacuna::test
