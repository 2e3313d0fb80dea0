#include "../../core/ops/cross_entropy.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/elementwise.h"
#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {
namespace {

auto reference(const CrossEntropyOptions& o) {
  return [o](const Tensors& in) {
    const auto x = in[0].to_vector<double>();
    const auto t = in[1].to_vector<std::int64_t>();
    const std::size_t n = in[0].dim(-1);
    long double sum = 0;
    int count = 0;
    for (std::size_t r = 0; r < t.size(); r++) {
      if (t[r] == o.ignore_index) continue;
      long double total = 0, row = 0;
      for (std::size_t j = 0; j < n; j++) total += std::exp(static_cast<long double>(x[r * n + j]));
      for (std::size_t j = 0; j < n; j++) {
        const long double q = o.label_smoothing / n +
                              (static_cast<std::int64_t>(j) == t[r]) * (1 - o.label_smoothing);
        row -= q * (x[r * n + j] - std::log(total));
      }
      sum += row;
      count++;
    }
    return std::vector<double>{static_cast<double>(sum / std::max(count, 1))};
  };
}

const Register cross_entropy_cases([] {
  const auto one = [](const std::string& name, Input logits, Input targets,
                      CrossEntropyOptions o = {}) {
    add({.name = "cross_entropy/" + name,
         .inputs = {logits, targets},
         .apply = [o](const Tensors& x) { return cross_entropy(x[0], x[1], o); },
         .reference = reference(o)});
  };
  for (int n : kSizes) {
    const std::string size = std::to_string(n);
    if (n > 0) one("cols=" + size, {{3, n}, -4, 4}, {{3}, 0, double(n), Dtype::i64});
    if (n > 0)
      one("smoothing/cols=" + size, {{3, n}, -4, 4}, {{3}, 0, double(n), Dtype::i64},
          {.label_smoothing = 0.1});
    one("rows=" + size, {{n, 5}, -4, 4}, {{n}, 0, 5, Dtype::i64});
    one("ignore/rows=" + size, {{n, 5}, -4, 4}, {{n}, 0, 5, Dtype::i64}, {2, 0.2});
  }
  one("tokens", {{2, 7, 11}, -4, 4}, {{2, 7}, -1, 11, Dtype::i64}, {.ignore_index = -1});
  add({.name = "cross_entropy/vocab=50257",
       .inputs = {{{2, 50257}, -8, 8}, {{2}, 0, 50257, Dtype::i64}},
       .apply = [](const Tensors& x) { return cross_entropy(x[0], x[1]); },
       .tolerance = 6e-6});
  // Maxima that rise late and fall, in every lane and between the groups of vectors.
  add({.name = "cross_entropy/rising",
       .inputs = {{.shape = {2, 200},
                   .values =
                       [] {
                         std::vector<double> v(400);
                         for (int i = 0; i < 200; i++) {
                           v[i] = 0.2 * i;
                           v[200 + i] = i % 70 == 69 ? 30 + i : -i;
                         }
                         return v;
                       }()},
                  {{2}, 0, 200, Dtype::i64}},
       .apply =
           [](const Tensors& x) { return cross_entropy(x[0], x[1], {.label_smoothing = 0.1}); },
       .reference = reference({.label_smoothing = 0.1})});
  add({.name = "cross_entropy/extreme",
       .inputs = {{.shape = {3, 3},
                   .values = {300, -300, 299, 10000, 10001, 10002, 1e30, -1e30, 0}},
                  {{3}, 0, 1, Dtype::i64, false, {0, 1, 0}}},
       .apply = [](const Tensors& x) { return cross_entropy(x[0], x[1]); },
       .check_numerically = false});
});

}  // namespace

TEST(cross_entropy, rows_that_are_all_ignored_give_zero) {
  Tensor x = Tensor::of({1, NAN, 3, 4}, {2, 2});
  x.requires_grad();
  const Tensor y = cross_entropy(x, Tensor::full({2}, -100, Dtype::i64));
  EXPECT_EQ(y.item(), 0);
  backward(y);
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>(4, 0)));
}

TEST(cross_entropy, classes_of_minus_infinity_do_not_count) {
  std::vector<float> v(150, -INFINITY);
  v[100] = 1;
  v[149] = 2;
  Tensor x = Tensor::from(v, {1, 150});
  x.requires_grad();
  const Tensor y = cross_entropy(x, Tensor::full({1}, 149, Dtype::i64));
  EXPECT_NEAR(y.item(), std::log1p(std::exp(-1)), 1e-6);
  backward(y);
  const auto dx = x.grad().to_vector<float>();
  const double p = 1 / (1 + std::exp(1));
  for (int j = 0; j < 150; j++)
    EXPECT_NEAR(dx[j], j == 100 ? p : j == 149 ? -p : 0, j == 100 || j == 149 ? 1e-6 : 0) << j;
}

TEST(cross_entropy, backward_works_in_place_where_the_tape_owns_the_logits) {
  for (const auto& [logits, rows] :
       {std::pair{Shape{64, 100}, Shape{64}}, {Shape{4, 16, 100}, Shape{4, 16}}}) {
    Tensor x = make_input({logits}, 1, Dtype::f32),
           t = make_input({rows, 0, 100, Dtype::i64}, 2, Dtype::f32);
    x.requires_grad();
    Tensor kept = x + x;
    backward(cross_entropy(kept, t));
    const auto want = x.grad().to_vector<float>();
    x.set_grad({});
    const auto bytes = [] { return memory_stats(DeviceType::cpu).peak_bytes; };
    reset_peak_memory(DeviceType::cpu);
    const auto start = bytes();
    Tensor y = cross_entropy(x + x, t);
    EXPECT_LT(bytes() - start, 64 * 100 * 4 * 3 / 2);  // the logits, and nothing else of their size
    reset_peak_memory(DeviceType::cpu);
    const auto before = bytes();
    backward(y);
    EXPECT_LT(bytes() - before, 64 * 100 * 4);
    EXPECT_EQ(x.grad().to_vector<float>(), want);
  }
}

TEST(cross_entropy, bf16_logits_have_an_f32_loss) {
  if (!find_backend(DeviceType::emu)) GTEST_SKIP() << "bf16 is for devices";
  const auto run_on = [](Device device, Dtype dtype) {
    Tensor x = to(make_input({{6, 40}}, 1, dtype), device);
    x.requires_grad();
    const Tensor y = cross_entropy(x, to(make_input({{6}, 0, 40, Dtype::i64}, 2, dtype), device));
    backward(y);
    EXPECT_EQ(y.dtype(), Dtype::f32);
    EXPECT_EQ(x.grad().dtype(), dtype);
    return std::vector<Tensor>{y.detach(), x.grad()};
  };
  const auto got = run_on({DeviceType::emu}, Dtype::bf16), want = run_on({}, Dtype::f32);
  EXPECT_LE(relative_error(got[0].to_vector<double>(), want[0].to_vector<double>()), 2e-3);
  EXPECT_LE(relative_error(got[1].to_vector<double>(), want[1].to_vector<double>()), 0.01);
}

TEST(cross_entropy, errors) {
  const Tensor x = Tensor::zeros({2, 10});
  EXPECT_EQ(
      rule_of([&] {
        cross_entropy(x, Tensor::from<std::int64_t>({3, 10}, {2}));
      }),
      "[cross_entropy] a target must be a class from 0 to 9 or ignore_index -100: got 10 in row 1");
  EXPECT_EQ(rule_of([&] { cross_entropy(x, Tensor::zeros({3}, Dtype::i64)); }),
            "[cross_entropy] needs logits (..., C) and targets (...): got logits (2, 10) f32 cpu, "
            "targets (3) i64 cpu");
  EXPECT_EQ(rule_of([&] { cross_entropy(x, Tensor::zeros({2}, Dtype::i32)); }),
            "[cross_entropy] targets must be i64: got targets (2) i32 cpu");
}

}  // namespace lacuna::test
