#include "../../core/ops/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {
namespace {

// f of the elements that each output is made of, in row-major order; slow and obvious.
template <class F>
auto over(Shape dims, F f) {
  return [dims, f](const Tensors& in) {
    const Shape shape = in[0].shape(), strides = shape.strides();
    const auto x = in[0].to_vector<double>();
    std::uint32_t reduced = dims.empty() ? ~0u : 0;
    Shape kept;
    for (auto d : dims) reduced |= 1u << (d < 0 ? d + shape.size() : d);
    for (int d = 0; d < shape.size(); d++)
      if (!(reduced >> d & 1)) kept.push_back(shape[d]);
    std::vector<std::vector<long double>> groups(kept.numel());
    for (std::size_t i = 0; i < x.size(); i++) {
      std::int64_t at = 0;
      for (int d = 0; d < shape.size(); d++)
        if (!(reduced >> d & 1))
          at = at * shape[d] + static_cast<std::int64_t>(i) / strides[d] % shape[d];
      groups[at].push_back(x[i]);
    }
    std::vector<double> out;
    for (const auto& g : groups) out.push_back(static_cast<double>(f(g)));
    return out;
  };
}

using Group = std::vector<long double>;
long double total(const Group& g) {
  long double s = 0;
  for (auto v : g) s += v;
  return s;
}
long double average(const Group& g) { return total(g) / g.size(); }
long double squares(const Group& g) {
  const long double m = average(g);
  long double s = 0;
  for (auto v : g) s += (v - m) * (v - m);
  return s;
}
long double largest(const Group& g) { return *std::max_element(g.begin(), g.end()); }
long double least(const Group& g) { return *std::min_element(g.begin(), g.end()); }
long double log_sum(const Group& g) {
  long double s = 0;
  for (auto v : g) s += std::exp(v);
  return std::log(s);
}

template <class F>
void one(const std::string& name, const Shape& shape, const Shape& dims,
         std::function<Tensor(const Tensor&, const Shape&)> op, F f) {
  add({.name = name,
       .inputs = {{shape}},
       .apply = [=](const Tensors& x) { return op(x[0], dims); },
       .reference = over(dims, f)});
}

template <class F>
void cases_of(const std::string& name, std::function<Tensor(const Tensor&, const Shape&)> op, F f,
              int smallest_n = 0) {
  for (int n : kSizes) {
    const std::string size = std::to_string(n);
    if (n < smallest_n) continue;
    one(name + "/all=" + size, {n}, {}, op, f);
    one(name + "/row=" + size, {3, n}, {-1}, op, f);
    one(name + "/column=" + size, {n, 3}, {0}, op, f);
    one(name + "/rows=" + size, {n, 5}, {1}, op, f);
    one(name + "/columns=" + size, {5, n}, {0}, op, f);
  }
  one(name + "/middle", {4, 33, 5}, {1}, op, f);
  one(name + "/outer", {7, 4, 3, 2}, {0, 2}, op, f);
  one(name + "/inner", {3, 7, 2, 5}, {1, 3}, op, f);
  one(name + "/channels", {2, 9, 10, 16}, {0, 1, 2}, op, f);
}

const Register reduce_cases([] {
  const auto sum_over = [](const Tensor& x, const Shape& d) { return sum(x, d); };
  cases_of("sum", sum_over, total);
  // Sums that are cut into segments: long, tall, wide, with many outer dimensions.
  one("sum/long", {100003}, {}, sum_over, total);
  one("sum/tall", {20011, 7}, {0}, sum_over, total);
  one("sum/tall_64", {3000, 64}, {0}, sum_over, total);
  one("sum/wide", {40, 2500}, {0}, sum_over, total);
  one("sum/many", {300, 3, 50, 2}, {0, 2}, sum_over, total);
  one("sum/scalar", {}, {}, sum_over, total);
  add({.name = "sum/permuted",
       .inputs = {{{20, 30, 40}}},
       .apply =
           [](const Tensors& x) {
             return sum(permute(x[0], {2, 0, 1}), {0, 2});
           },
       .reference = over({1, 2}, total)});
  add({.name = "sum/repeated",
       .inputs = {{{4, 1}}},
       .apply =
           [](const Tensors& x) {
             return sum(broadcast_to(x[0], {4, 3}), {1});
           },
       .reference = over({1}, [](const Group& g) { return 3 * total(g); })});
  cases_of(
      "mean", [](const Tensor& x, const Shape& d) { return mean(x, d); }, average);
  cases_of(
      "var", [](const Tensor& x, const Shape& d) { return var(x, d); },
      [](const Group& g) { return squares(g) / (g.size() - 1.0L); }, 2);
  cases_of(
      "var_biased", [](const Tensor& x, const Shape& d) { return var(x, d, false, false); },
      [](const Group& g) { return squares(g) / g.size(); }, 1);
  cases_of(
      "max", [](const Tensor& x, const Shape& d) { return max(x, d); }, largest, 1);
  cases_of(
      "min", [](const Tensor& x, const Shape& d) { return min(x, d); }, least, 1);
  cases_of(
      "logsumexp", [](const Tensor& x, const Shape& d) { return logsumexp(x, d); }, log_sum, 1);
  add({.name = "logsumexp/extreme",
       .inputs = {{.shape = {3, 2}, .values = {1000, 999, -1000, -1001, -INFINITY, 3}}},
       .apply = [](const Tensors& x) { return logsumexp(x[0], {1}); },
       .check_numerically = false});
  for (int n : kSizes)
    if (n > 0)
      add({.name = "argmax/n=" + std::to_string(n),
           .inputs = {{{5, n}}},
           .apply = [](const Tensors& x) { return argmax(x[0]); },
           .reference = over({1},
                             [](const Group& g) -> long double {
                               return std::max_element(g.begin(), g.end()) - g.begin();
                             }),
           .gradient = false});
  add({.name = "argmax/middle",
       .inputs = {{{4, 9, 3}}},
       .apply = [](const Tensors& x) { return argmax(x[0], 1); },
       .reference = over({1},
                         [](const Group& g) -> long double {
                           return std::max_element(g.begin(), g.end()) - g.begin();
                         }),
       .gradient = false});
});

std::vector<float> floats(const Tensor& x) { return x.to_vector<float>(); }

}  // namespace

TEST(reduce, keep_leaves_dimensions_of_size_one) {
  const Tensor x = Tensor::zeros({2, 3, 4});
  EXPECT_EQ(sum(x, {1}, true).shape(), (Shape{2, 1, 4}));
  EXPECT_EQ(mean(x, {0, -1}, true).shape(), (Shape{1, 3, 1}));
  EXPECT_EQ(max(x, {}, true).shape(), (Shape{1, 1, 1}));
  EXPECT_EQ(var(x, {2}).shape(), (Shape{2, 3}));
  EXPECT_EQ(argmax(x, 0).shape(), (Shape{3, 4}));
}

TEST(reduce, the_gradient_of_max_goes_to_the_first_of_equal_ones) {
  for (bool smallest : {false, true}) {
    Tensor x = Tensor::of({1, 5, 5, 5, 2, 5}, {2, 3});
    if (smallest) x = Tensor::of({-1, -5, -5, -5, -2, -5}, {2, 3});
    x.requires_grad();
    backward(sum(smallest ? min(x, {1}) : max(x, {1})));
    EXPECT_EQ(floats(x.grad()), (std::vector<float>{0, 1, 0, 1, 0, 0}));
  }
}

TEST(reduce, nan_comes_through) {
  for (int n : {3, 100}) {
    auto v = std::vector<float>(n, 1);
    v[n - 2] = NAN;
    v[n - 1] = INFINITY;
    const Tensor x = Tensor::from(v, {n});
    for (const Tensor& t : {x, to(x, Dtype::f64)}) {
      EXPECT_TRUE(std::isnan(max(t).item()));
      EXPECT_TRUE(std::isnan(min(t).item()));
      EXPECT_TRUE(std::isnan(sum(t).item()));
      EXPECT_EQ(argmax(t).item(), n - 2);
    }
  }
}

TEST(reduce, of_nothing) {
  const Tensor x = Tensor::zeros({2, 0});
  EXPECT_EQ(floats(sum(x, {1})), (std::vector<float>{0, 0}));
  EXPECT_TRUE(std::isnan(floats(mean(x, {1}))[1]));
  EXPECT_TRUE(std::isnan(floats(var(x, {1}))[0]));
  EXPECT_TRUE(std::isnan(var(Tensor::zeros({1})).item()));
  EXPECT_EQ(var(Tensor::zeros({1}), {}, false, false).item(), 0);
  EXPECT_EQ(floats(logsumexp(x, {1}))[0], -INFINITY);
  EXPECT_EQ(max(x, {0}).shape(), (Shape{0}));
  EXPECT_EQ(error_of([&] { max(x, {1}); }),
            "[max] needs at least one element to choose from: got x (2, 0) f32 cpu");
  EXPECT_EQ(error_of([&] { argmax(x); }),
            "[argmax] there is no largest of no elements: got x (2, 0) f32 cpu");
}

TEST(reduce, infinities_in_logsumexp) {
  const Tensor x = Tensor::of({-INFINITY, -INFINITY, INFINITY, 1}, {2, 2});
  EXPECT_EQ(floats(logsumexp(x, {1})), (std::vector<float>{-INFINITY, INFINITY}));
}

// One million values near 1000 with a spread of 1: naive f32 sums would lose all digits of the variance.
TEST(reduce, f32_sums_keep_their_digits) {
  const Tensor x = make_input({{1000, 1000}, 1000, 1001}, 3, Dtype::f32);
  const Tensor wide = to(x, Dtype::f64);
  EXPECT_NEAR(sum(x).item() / sum(wide).item(), 1, 1e-7);
  EXPECT_NEAR(var(x).item() / var(wide).item(), 1, 1e-5);
  EXPECT_LE(relative_error(sum(x, {0}).to_vector<double>(), sum(wide, {0}).to_vector<double>()),
            3e-7);
  EXPECT_LE(relative_error(sum(x, {1}).to_vector<double>(), sum(wide, {1}).to_vector<double>()),
            3e-7);
}

TEST(reduce, errors) {
  EXPECT_NE(
      error_of([] { sum(Tensor::zeros({2}, Dtype::i64)); }).find("[sum] takes floating point"),
      std::string::npos);
  EXPECT_NE(
      error_of([] { mean(Tensor::zeros({2}), {1}); }).find("[mean] dimension 1 is out of range"),
      std::string::npos);
}

}  // namespace lacuna::test
