#include <lacuna/kernels/conv_transpose2d.h>

#include "conv.h"
#include "support.h"

namespace lacuna::test {
namespace {

struct Case : ConvCase {
  std::int64_t extra[2] = {0, 0};
  std::int64_t out(int axis, std::int64_t size, std::int64_t kernel) const {
    return (size - 1) * window.stride[axis] - 2 * window.padding[axis] + window.span(kernel, axis) +
           extra[axis];
  }
  Shape y_shape() const { return {n, out(0, h, kh), out(1, w, kw), co}; }
  Shape weight_shape() const { return {ci, kh, kw, co / groups}; }
};

template <class T>
struct Operands {
  Buffer<T> x, weight, bias, dy, y, dx, dweight, dbias;
  Case s;
  explicit Operands(const Case& c)
      : x(random<T>(count(c.x_shape()), 1)),
        weight(random<T>(count(c.weight_shape()), 2)),
        bias(random<T>(c.co, 3)),
        dy(random<T>(count(c.y_shape()), 4)),
        y(count(c.y_shape())),
        dx(count(c.x_shape())),
        dweight(count(c.weight_shape())),
        dbias(c.co),
        s(c) {}
  template <class Args>
  void window(Args& a) const {
    a.window = s.window;
    a.groups = s.groups;
    a.output_padding[0] = s.extra[0];
    a.output_padding[1] = s.extra[1];
  }
  void forward() {
    ConvTranspose2dForward a;
    a.y = array(y.data(), s.y_shape());
    a.x = array(x.data(), s.x_shape());
    a.weight = array(weight.data(), s.weight_shape());
    if (s.bias) a.bias = array(bias.data(), {s.co});
    a.epilogue = s.epilogue;
    window(a);
    run<&KernelTable::conv_transpose2d_forward>(a, kCpu);
  }
  void grad_input() {
    ConvTranspose2dGradInput a;
    a.dx = array(dx.data(), s.x_shape());
    a.dy = array(dy.data(), s.y_shape());
    a.weight = array(weight.data(), s.weight_shape());
    window(a);
    run<&KernelTable::conv_transpose2d_grad_input>(a, kCpu);
  }
  void grad_weight() {
    ConvTranspose2dGradWeight a;
    a.dweight = array(dweight.data(), s.weight_shape());
    if (s.bias) a.dbias = array(dbias.data(), {s.co});
    a.dy = array(dy.data(), s.y_shape());
    a.x = array(x.data(), s.x_shape());
    window(a);
    run<&KernelTable::conv_transpose2d_grad_weight>(a, kCpu);
  }
};

// Every product of the formula, visited once, from the input's side.
void scatter(const Case& s, const Operands<double>& o, Buffer<double>& y, Buffer<double>& dx,
             Buffer<double>& dw, Buffer<double>& db) {
  const Shape out = s.y_shape();
  const std::int64_t each = s.co / s.groups;
  for (std::int64_t i = 0; i < y.size(); i++) y[i] = s.bias ? o.bias[i % s.co] : 0;
  for (std::int64_t i = 0; i < db.size(); i++) db[i] = 0;
  for (std::int64_t i = 0; i < o.dy.size(); i++) db[i % s.co] += o.dy[i];
  for (std::int64_t i = 0; i < dw.size(); i++) dw[i] = 0;
  for (std::int64_t at = 0; at < dx.size(); at++) {
    const std::int64_t c = at % s.ci, j = at / s.ci % s.w, i = at / s.ci / s.w % s.h,
                       n = at / s.ci / s.w / s.h;
    dx[at] = 0;
    for (std::int64_t p = 0; p < s.kh; p++)
      for (std::int64_t q = 0; q < s.kw; q++) {
        const std::int64_t row =
            i * s.window.stride[0] + p * s.window.dilation[0] - s.window.padding[0];
        const std::int64_t column =
            j * s.window.stride[1] + q * s.window.dilation[1] - s.window.padding[1];
        if (row < 0 || row >= out[1] || column < 0 || column >= out[2]) continue;
        for (std::int64_t v = 0; v < each; v++) {
          const std::int64_t to =
              ((n * out[1] + row) * out[2] + column) * s.co + c / (s.ci / s.groups) * each + v;
          const std::int64_t k = ((c * s.kh + p) * s.kw + q) * each + v;
          y[to] += o.x[at] * o.weight[k];
          dx[at] += o.dy[to] * o.weight[k];
          dw[k] += o.dy[to] * o.x[at];
        }
      }
  }
  for (std::int64_t i = 0; i < y.size(); i++) y[i] = epilogue(s.epilogue, y[i]);
}

void check(const Case& s) {
  SCOPED_TRACE(::testing::PrintToString(static_cast<const ConvCase&>(s)));
  Operands<double> exact(s);
  Buffer<double> y(count(s.y_shape())), dx(count(s.x_shape())), dw(count(s.weight_shape())),
      db(s.co);
  scatter(s, exact, y, dx, dw, db);
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

Case simple(std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t ci, std::int64_t co,
            std::int64_t kernel, std::int64_t stride, std::int64_t padding = 0,
            std::int64_t dilation = 1, std::int64_t groups = 1) {
  Case c;
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

TEST(ConvTranspose2d, KernelEqualsStride) {
  for (const std::int64_t c : {1, 3, 7, 16, 31, 33, 64, 65}) {
    check(simple(2, 4, 5, c, 8, 2, 2));
    check(simple(2, 4, 5, 8, c, 2, 2));
  }
  for (std::int64_t n = 1; n <= 7; n++) check(simple(n, 3, 4, 20, 3, 2, 2));
  for (const std::int64_t k : {1, 3, 4}) check(simple(2, 4, 5, 6, 5, k, k));
  check(simple(4, 16, 16, 64, 3, 2, 2));
  Case c = simple(2, 4, 5, 6, 5, 2, 2);
  c.kh = 3;
  c.window.stride[0] = 3;
  check(c);
}

TEST(ConvTranspose2d, Kernels) {
  for (const std::int64_t k : {1, 2, 3, 4, 5, 7})
    for (const std::int64_t stride : {1, 2, 3})
      check(simple(2, 5, 6, 5, 6, k, stride, (k - 1) / 2));
}

TEST(ConvTranspose2d, OutputPadding) {
  for (const std::int64_t dilation : {1, 2})
    for (std::int64_t extra = 0; extra < 3; extra++) {
      Case c = simple(2, 5, 6, 5, 6, 3, 2 + (extra > 1), 1, dilation);
      c.extra[0] = extra;
      c.extra[1] = extra / 2;
      check(c);
    }
  Case c = simple(2, 4, 4, 3, 3, 2, 1, 0, 3);  // larger than the stride, below the dilation
  c.extra[0] = 2;
  check(c);
  c = simple(2, 4, 4, 3, 3, 2, 2);  // more columns than the windows reach
  c.extra[0] = c.extra[1] = 1;
  check(c);
}

TEST(ConvTranspose2d, Groups) {
  check(simple(2, 5, 6, 4, 6, 3, 2, 1, 1, 2));
  check(simple(2, 5, 6, 24, 24, 4, 2, 1, 1, 24));
  check(simple(2, 5, 6, 40, 20, 2, 2, 0, 1, 20));
}

TEST(ConvTranspose2d, HeightAndWidthDiffer) {
  Case c = simple(3, 4, 9, 6, 10, 1, 1);
  c.kh = 2;
  c.kw = 5;
  c.window = {{2, 3}, {0, 2}, {3, 1}};
  c.extra[1] = 2;
  check(c);
}

TEST(ConvTranspose2d, BiasAndEpilogue) {
  for (const bool bias : {false, true})
    for (const Epilogue e : {Epilogue::none, Epilogue::relu, Epilogue::sigmoid, Epilogue::tanh})
      for (const std::int64_t kernel : {2, 3}) {
        Case c = simple(2, 5, 6, 9, 3, kernel, 2);
        c.bias = bias;
        c.epilogue = e;
        check(c);
      }
}

TEST(ConvTranspose2d, EmptySizes) {
  check(simple(0, 5, 6, 3, 4, 2, 2));
  check(simple(2, 5, 6, 0, 4, 2, 2));
  check(simple(2, 5, 6, 3, 0, 2, 2));
}

TEST(ConvTranspose2d, RulesNameEveryShape) {
  Buffer<float> memory(20000);
  const auto text = [&](const Shape& x, const Shape& weight, const Shape& y,
                        const std::function<void(ConvTranspose2dForward&)>& change = nullptr) {
    ConvTranspose2dForward args;
    args.x = array(memory.data(), x);
    args.weight = array(memory.data(), weight);
    args.y = array(memory.data(), y);
    args.window.stride[0] = args.window.stride[1] = 2;
    if (change) change(args);
    return error_of([&] { run<&KernelTable::conv_transpose2d_forward>(args, kCpu); });
  };
  EXPECT_EQ(text({2, 4, 4, 8}, {7, 2, 2, 3}, {2, 8, 8, 3}),
            "[conv_transpose2d] weight's in-channels must equal the input channels: got x (2, 4, "
            "4, 8) f32 "
            "cpu, weight (7, 2, 2, 3) f32 cpu, y (2, 8, 8, 3) f32 cpu, groups 1");
  EXPECT_EQ(text({2, 4, 4, 8}, {8, 2, 2, 3}, {2, 8, 9, 3}),
            "[conv_transpose2d] y's width must be 8 (stride 2, padding 0, dilation 1, output "
            "padding 0): got x "
            "(2, 4, 4, 8) f32 cpu, weight (8, 2, 2, 3) f32 cpu, y (2, 8, 9, 3) f32 cpu, groups 1");
  EXPECT_EQ(text({2, 4, 4, 8}, {8, 2, 2, 3}, {2, 10, 8, 3},
                 [](ConvTranspose2dForward& a) { a.output_padding[0] = 2; }),
            "[conv_transpose2d] output padding must be below the stride or the dilation: got "
            "height output "
            "padding 2, stride 2, dilation 1 with x (2, 4, 4, 8) f32 cpu, weight (8, 2, 2, 3) f32 "
            "cpu, y (2, "
            "10, 8, 3) f32 cpu, groups 1");
  EXPECT_EQ(text({2, 4, 4, 8}, {8, 2, 2, 3}, {2, 8, 8, 4}),
            "[conv_transpose2d] y's channels must equal weight's out-channels * groups: got x (2, "
            "4, 4, 8) f32 "
            "cpu, weight (8, 2, 2, 3) f32 cpu, y (2, 8, 8, 4) f32 cpu, groups 1");
}

}  // namespace
}  // namespace lacuna::test
