#include <lacuna/kernels/pool2d.h>

#include <limits>

#include "support.h"

namespace lacuna::test {
namespace {

struct Case {
  std::int64_t n, h, w, c, kh, kw;
  Window2d window = {};
  PoolKind kind = PoolKind::max;
  bool count_include_pad = true;
  Shape x_shape() const { return {n, h, w, c}; }
  Shape y_shape() const { return {n, window.output(h, kh, 0), window.output(w, kw, 1), c}; }
};

std::ostream& operator<<(std::ostream& out, const Case& s) {
  return out << "x (" << s.n << ", " << s.h << ", " << s.w << ", " << s.c << ") kernel " << s.kh
             << "x" << s.kw << " stride " << s.window.stride[0] << "," << s.window.stride[1]
             << " padding " << s.window.padding[0] << "," << s.window.padding[1] << " dilation "
             << s.window.dilation[0] << "," << s.window.dilation[1]
             << (s.kind == PoolKind::max ? " max"
                 : s.count_include_pad   ? " average"
                                         : " average of those inside");
}

template <class T>
struct Operands {
  Buffer<T> x, dy, y, dx;
  Buffer<std::int32_t> indices;
  Case s;
  explicit Operands(const Case& c)
      : x(random<T>(count(c.x_shape()), 1)),
        dy(random<T>(count(c.y_shape()), 2)),
        y(count(c.y_shape())),
        dx(count(c.x_shape())),
        indices(count(c.y_shape())),
        s(c) {
    // Few values, so that windows have ties.
    for (std::int64_t i = 0; i < x.size(); i++) x[i] = std::round(x[i] * 3) / 4;
  }
  template <class Args>
  void common(Args& a) {
    a.kind = s.kind;
    a.kernel[0] = s.kh;
    a.kernel[1] = s.kw;
    a.window = s.window;
    a.count_include_pad = s.count_include_pad;
    if (s.kind == PoolKind::max) a.indices = array(indices.data(), s.y_shape());
  }
  void forward() {
    Pool2dForward a;
    a.y = array(y.data(), s.y_shape());
    a.x = array(x.data(), s.x_shape());
    common(a);
    run<&KernelTable::pool2d_forward>(a, kCpu);
  }
  void backward() {
    Pool2dBackward a;
    a.dx = array(dx.data(), s.x_shape());
    a.dy = array(dy.data(), s.y_shape());
    common(a);
    run<&KernelTable::pool2d_backward>(a, kCpu);
  }
};

// Every element of every window by the definition, ties and NaN included.
void brute_force(const Case& s, const Operands<double>& o, Buffer<double>& y,
                 Buffer<std::int32_t>& index, Buffer<double>& dx) {
  const Shape out = s.y_shape();
  for (std::int64_t i = 0; i < dx.size(); i++) dx[i] = 0;
  for (std::int64_t at = 0; at < y.size(); at++) {
    const std::int64_t c = at % s.c, j = at / s.c % out[2], i = at / s.c / out[2] % out[1],
                       n = at / s.c / out[2] / out[1];
    double best = -std::numeric_limits<double>::infinity(), sum = 0;
    std::int64_t where = -1, inside = 0;
    const auto visit = [&](auto f) {
      for (std::int64_t p = 0; p < s.kh; p++)
        for (std::int64_t q = 0; q < s.kw; q++) {
          const std::int64_t row =
              i * s.window.stride[0] + p * s.window.dilation[0] - s.window.padding[0];
          const std::int64_t column =
              j * s.window.stride[1] + q * s.window.dilation[1] - s.window.padding[1];
          if (row >= 0 && row < s.h && column >= 0 && column < s.w)
            f(row * s.w + column, ((n * s.h + row) * s.w + column) * s.c + c);
        }
    };
    visit([&](std::int64_t pixel, std::int64_t from) {
      const double v = o.x[from];
      inside++;
      sum += v;
      if (where < 0 || v > best || std::isnan(v)) {
        best = v;
        where = pixel;
      }
    });
    if (s.kind == PoolKind::max) {
      y[at] = best;
      index[at] = static_cast<std::int32_t>(where);
      if (where >= 0) dx[(n * s.h * s.w + where) * s.c + c] += o.dy[at];
    } else {
      const std::int64_t taps = s.count_include_pad ? s.kh * s.kw : inside;
      y[at] = taps ? sum / static_cast<double>(taps) : 0;
      visit([&](std::int64_t, std::int64_t from) {
        dx[from] += o.dy[at] / static_cast<double>(taps);
      });
    }
  }
}

void check(const Case& s) {
  SCOPED_TRACE(::testing::PrintToString(s));
  const bool max = s.kind == PoolKind::max;
  Operands<double> exact(s);
  Buffer<double> y(exact.y.size()), dx(exact.dx.size());
  Buffer<std::int32_t> index(exact.y.size());
  brute_force(s, exact, y, index, dx);
  exact.forward();
  exact.backward();
  EXPECT_TRUE(exact.y.intact() && exact.dx.intact() && exact.indices.intact());
  expect_near(exact.y, y, max ? 0 : 1e-14, "f64 forward");
  expect_near(exact.dx, dx, 1e-14, "f64 backward");
  Operands<float> f(s);
  const auto same_index = [&](const Buffer<std::int32_t>& got, const std::string& what) {
    if (max) {
      EXPECT_EQ(0, std::memcmp(got.data(), index.data(), index.size() * 4))
          << what << ": indices differ";
    }
    EXPECT_TRUE(got.intact());
  };
  same_index(exact.indices, "f64");
  every_way(
      f.y, [&] { f.forward(); },
      [&](const std::string& what) {
        expect_near(f.y, y, max ? 0 : 1e-6, "forward, " + what);
        same_index(f.indices, what);
      });
  every_way(
      f.dx, [&] { f.backward(); },
      [&](const std::string& what) { expect_near(f.dx, dx, 1e-6, "backward, " + what); });
}

void check_kinds(Case s) {
  check(s);
  s.kind = PoolKind::average;
  check(s);
  s.count_include_pad = false;
  check(s);
}

TEST(Pool2d, Channels) {
  for (const std::int64_t c : {1, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127})
    check_kinds({2, 5, 6, c, 2, 2, {{2, 2}, {0, 0}, {1, 1}}});
}

TEST(Pool2d, Windows) {
  for (const std::int64_t k : {1, 2, 3, 5})
    for (const std::int64_t stride : {1, 2, 3})
      for (const std::int64_t padding : {std::int64_t{0}, k / 2})
        for (const std::int64_t dilation : {1, 2})
          check_kinds(
              {2, 11, 9, 5, k, k, {{stride, stride}, {padding, padding}, {dilation, dilation}}});
}

TEST(Pool2d, HeightAndWidthDiffer) {
  check_kinds({3, 7, 12, 20, 2, 5, {{2, 3}, {1, 2}, {3, 1}}});
  check_kinds({7, 12, 5, 4, 4, 1, {{1, 2}, {2, 0}, {1, 1}}});
}

TEST(Pool2d, Global) {
  check_kinds({3, 8, 7, 70, 8, 7});
  check_kinds({1, 1, 1, 3, 1, 1});
}

TEST(Pool2d, WindowOutsideTheImage) { check_kinds({1, 1, 1, 5, 2, 2, {{1, 1}, {1, 1}, {2, 2}}}); }

TEST(Pool2d, EmptySizes) {
  check_kinds({0, 5, 6, 3, 2, 2});
  check_kinds({2, 5, 6, 0, 2, 2});
}

TEST(Pool2d, NotANumberWinsOverEverything) {
  const Case s{1, 4, 4, 33, 2, 2, {{2, 2}, {0, 0}, {1, 1}}};
  Operands<float> o(s);
  o.x[(1 * 4 + 0) * 33 + 5] = NAN;
  o.x[(0 * 4 + 2) * 33 + 32] = NAN;
  for (const std::int64_t pixel : {10, 11, 14, 15}) o.x[pixel * 33 + 2] = -INFINITY;
  o.forward();
  for (std::int64_t i = 0; i < o.y.size(); i++)
    EXPECT_EQ(std::isnan(o.y[i]), i == 5 || i == 33 + 32) << i;
  EXPECT_EQ(o.indices[5], 4);
  EXPECT_EQ(o.indices[33 + 32], 2);
  EXPECT_EQ(o.y[3 * 33 + 2], -INFINITY);
  EXPECT_EQ(o.indices[3 * 33 + 2], 10);  // the first of equals
}

TEST(Pool2d, RulesNameEveryShape) {
  Buffer<float> memory(20000);
  Buffer<std::int32_t> indices(1000);
  const auto text = [&](const Shape& x, const Shape& y,
                        const std::function<void(Pool2dForward&)>& change = nullptr) {
    Pool2dForward args;
    args.x = array(memory.data(), x);
    args.y = array(memory.data(), y);
    args.kernel[0] = args.kernel[1] = 2;
    args.window.stride[0] = args.window.stride[1] = 2;
    if (change) change(args);
    return error_of([&] { run<&KernelTable::pool2d_forward>(args, kCpu); });
  };
  EXPECT_EQ(text({2, 8, 8, 3}, {2, 4, 5, 3}),
            "[pool2d] y's width must be 4 (stride 2, padding 0, dilation 1): got x (2, 8, 8, 3) "
            "f32 cpu, y (2, 4, 5, "
            "3) f32 cpu, kernel (2, 2)");
  EXPECT_EQ(text({2, 8, 8, 3}, {2, 6, 6, 3}, [](Pool2dForward& a) { a.window.padding[1] = 2; }),
            "[pool2d] padding must be at most half the kernel: got padding (0, 2) with x (2, 8, 8, "
            "3) f32 cpu, y (2, 6, "
            "6, 3) f32 cpu, kernel (2, 2)");
  EXPECT_EQ(text({2, 8, 8, 3}, {2, 4, 4, 3},
                 [&](Pool2dForward& a) {
                   a.kind = PoolKind::average;
                   a.indices = array(indices.data(), {2, 4, 4, 3});
                 }),
            "[pool2d] average pooling takes no indices: got x (2, 8, 8, 3) f32 cpu, y (2, 4, 4, 3) "
            "f32 cpu, indices (2, "
            "4, 4, 3) i32 cpu, kernel (2, 2)");
  EXPECT_EQ(text({2, 1, 8, 3}, {2, 1, 4, 3}),
            "[pool2d] kernel must fit the padded input: got height 1, padding 0, dilation 1 with x "
            "(2, 1, 8, 3) f32 cpu, "
            "y (2, 1, 4, 3) f32 cpu, kernel (2, 2)");
  Pool2dBackward back;
  back.dx = array(memory.data(), {2, 8, 8, 3});
  back.dy = array(memory.data(), {2, 4, 4, 3});
  back.kernel[0] = back.kernel[1] = 2;
  back.window.stride[0] = back.window.stride[1] = 2;
  EXPECT_EQ(error_of([&] { run<&KernelTable::pool2d_backward>(back, kCpu); }),
            "[pool2d backward] max pooling needs the indices that forward wrote: got dx (2, 8, 8, "
            "3) f32 cpu, dy (2, 4, "
            "4, 3) f32 cpu");
}

}  // namespace
}  // namespace lacuna::test
