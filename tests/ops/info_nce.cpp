#include "../../core/ops/info_nce.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/concat.h"
#include "../../core/ops/elementwise.h"
#include "../../core/ops/layer_norm.h"
#include "../../core/ops/reduce.h"
#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "../../kernels/backend.h"
#include "../../kernels/held_bytes.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {
namespace {

// One row after the other, from the definition.
std::vector<double> losses(const Tensors& in, const InfoNceOptions& o) {
  const auto a = in[0].to_vector<double>(), b = in[1].to_vector<double>();
  const auto positive = in[2].to_vector<std::int64_t>();
  const std::int64_t depth = in[0].dim(1), columns = in[1].dim(0);
  std::vector<double> out;
  for (std::int64_t i = 0; i < in[0].dim(0); i++) {
    const auto score = [&](std::int64_t j) {
      long double s = 0;
      for (std::int64_t k = 0; k < depth; k++)
        s += static_cast<long double>(a[i * depth + k]) * b[j * depth + k];
      return s / o.temperature;
    };
    const long double hit = score(positive[i]);
    long double sum = 0;  // of exp(s - hit): long double reaches exp(11,000)
    for (std::int64_t j = 0; j < columns; j++)
      if (o.self < 0 || j != o.self + i) sum += std::exp(score(j) - hit);
    out.push_back(static_cast<double>(std::log(sum)));
  }
  return out;
}

// m positives among columns 0 .. M - 1, none of them a row's own.
Input positives(int m, int columns, std::int64_t self) {
  std::vector<double> v;
  for (int i = 0; i < m; i++) {
    int j = (i * 7 + 3) % columns;
    if (self >= 0 && j == self + i) j = (j + 1) % columns;
    v.push_back(j);
  }
  return {.shape = {m}, .dtype = Dtype::i64, .values = v};
}

void add_case(const std::string& name, Input rows, Input columns, InfoNceOptions o = {},
              double gradient_tolerance = 1e-5, bool check_numerically = true) {
  const int m = static_cast<int>(rows.shape[0]), count = static_cast<int>(columns.shape[0]);
  add({.name = "info_nce/" + name,
       .inputs = {rows, columns, positives(m, count, o.self)},
       .apply = [o](const Tensors& x) { return info_nce(x[0], x[1], x[2], o); },
       .reference = [o](const Tensors& x) { return losses(x, o); },
       .gradient_tolerance = gradient_tolerance,
       .check_numerically = check_numerically});
}

// z (2N, D), without the fused kernel.
Tensor nt_xent_of_parts(const Tensor& z, double temperature) {
  const std::int64_t views = z.dim(0), n = views / 2;
  const Tensor unit = l2_normalise(z);
  Tensor total;
  for (std::int64_t i = 0; i < views; i++) {
    const Tensor s = sum(slice(unit, 0, i, i + 1) * unit, {1}) / temperature;
    const Tensor others = concat({slice(s, 0, 0, i), slice(s, 0, i + 1, views)});
    const Tensor loss = logsumexp(others) - select(s, 0, (i + n) % views);
    total = total.defined() ? total + loss : loss;
  }
  return total / static_cast<double>(views);
}

// Khosla et al. 2020, equation 2, without the fused kernel.
Tensor supcon_of_parts(const Tensor& z, const std::vector<double>& labels, double temperature) {
  const std::int64_t views = z.dim(0);
  const Tensor unit = l2_normalise(z);
  Tensor total;
  for (std::int64_t i = 0; i < views; i++) {
    const Tensor s = sum(slice(unit, 0, i, i + 1) * unit, {1}) / temperature;
    const Tensor lse = logsumexp(concat({slice(s, 0, 0, i), slice(s, 0, i + 1, views)}));
    double positives = 0;
    Tensor pull;
    for (std::int64_t p = 0; p < views; p++) {
      if (p == i || labels[p] != labels[i]) continue;
      const Tensor score = select(s, 0, p);
      pull = pull.defined() ? pull + score : score;
      positives++;
    }
    const Tensor loss = lse - pull / positives;
    total = total.defined() ? total + loss : loss;
  }
  return total / static_cast<double>(views);
}

const Register info_nce_cases([] {
  const InfoNceOptions plain{.temperature = 0.7};
  for (int n : {1, 2, 7, 33, 64, 65, 130}) {
    const std::string size = std::to_string(n);
    add_case("rows=" + size, {{n, 5}}, {{9, 5}}, plain);
    add_case("columns=" + size, {{9, 5}}, {{n, 5}}, plain);
    if (n >= 2) add_case("self/rows=" + size, {{n, 5}}, {{n, 5}}, {0.7, 0}, 1e-5, n < 130);
  }
  for (int n : {1, 8, 31, 64, 128, 130})
    add_case("depth=" + std::to_string(n), {{5, n}, -1, 1}, {{9, n}, -1, 1}, plain);
  add_case("rows=0", {{0, 5}}, {{9, 5}}, plain);
  add_case("depth=0", {{4, 0}}, {{9, 0}}, plain);
  add_case("tiles", {{130, 130}, -0.5, 0.5}, {{130, 130}, -0.5, 0.5}, {0.5, 0});
  add_case("slice_at_an_offset", {{20, 16}, -1, 1}, {{150, 16}, -1, 1}, {0.5, 70});
  add_case("queue", {{12, 32}, -0.5, 0.5}, {{12 + 600, 32}, -0.5, 0.5}, {0.2});
  // Blocks that walk over several tiles of columns, in parts (drows) and not (dcolumns).
  add_case("long", {{66, 2}, -1, 1}, {{8500, 2}, -1, 1}, plain, 1e-5, false);
  for (double tau : {0.01, 0.07, 0.5, 10.0})
    add_case("temperature=" + std::to_string(tau), {{33, 8}, -0.35, 0.35}, {{70, 8}, -0.35, 0.35},
             {tau}, 3e-5);
  const auto own = [](const std::string& name, Input rows, Input columns, Input positive,
                      InfoNceOptions o, bool smooth) {
    add({.name = "info_nce/" + name,
         .inputs = {rows, columns, positive},
         .apply = [o](const Tensors& x) { return info_nce(x[0], x[1], x[2], o); },
         .reference = [o](const Tensors& x) { return losses(x, o); },
         .check_numerically = smooth});
  };
  own("one_positive_for_all", {{40, 6}}, {{70, 6}},
      {.shape = {40}, .dtype = Dtype::i64, .values = std::vector<double>(40, 66)}, plain, true);
  own("extreme", {.shape = {3, 2}, .values = {300, -300, 1000, 1000, 0, 0}},
      {.shape = {4, 2}, .values = {1, 1, -1, 1, 2, 2, 3, 3}},
      {.shape = {3}, .dtype = Dtype::i64, .values = {1, 3, 0}}, {.temperature = 1}, false);
  const double nan = NAN;
  add({.name = "info_nce/nan_spreads_over_its_row",
       .inputs = {{.shape = {3, 2}, .values = {1, 2, nan, 1, 0, 1}},
                  {{5, 2}},
                  {.shape = {3}, .dtype = Dtype::i64, .values = {0, 1, 2}}},
       .apply = [](const Tensors& x) { return info_nce(x[0], x[1], x[2]); },
       .reference =
           [](const Tensors& x) {
             auto y = losses(x, {});
             y[1] = NAN;
             return y;
           },
       .gradient = false});
  for (int n : {1, 2, 33}) {
    const double tau = n == 33 ? 0.1 : 0.5;
    add({.name = "nt_xent/pairs=" + std::to_string(n),
         .inputs = {{{2 * n, 8}}},
         .apply = [tau](const Tensors& x) { return nt_xent(x[0], tau); },
         .reference =
             [tau](const Tensors& x) { return nt_xent_of_parts(x[0], tau).to_vector<double>(); }});
  }
  for (int n : {2, 7, 33}) {            // of one pair the loss is 0, but for rounding
    std::vector<double> labels(2 * n);  // of few classes, some with two views alone
    for (int i = 0; i < 2 * n; i++) labels[i] = (i % n) % 5;
    add({.name = "supcon/pairs=" + std::to_string(n),
         .inputs = {{{2 * n, 8}}, {.shape = {2 * n}, .dtype = Dtype::i64, .values = labels}},
         .apply = [](const Tensors& x) { return supcon(x[0], x[1], 6, 0.3); },
         .reference =
             [labels](const Tensors& x) {
               return supcon_of_parts(x[0], labels, 0.3).to_vector<double>();
             },
         // What repels and what attracts are each rounded, and cancel but for a part.
         .bf16_gradient_tolerance = 8 * kRounding});
  }
});

// The losses and the gradients, of rows and columns.
struct Result {
  std::vector<double> loss, drows, dcolumns;
};
Result evaluate(Tensor rows, Tensor columns, const Tensor& positive, InfoNceOptions o) {
  rows = rows.detach().requires_grad();
  columns = columns.detach().requires_grad();
  const Tensor loss = info_nce(rows, columns, positive, o);
  backward(sum(loss));
  return {loss.to_vector<double>(), rows.grad().to_vector<double>(),
          columns.grad().to_vector<double>()};
}

}  // namespace

TEST(info_nce, slices_of_the_rows_together_are_the_whole) {
  const int views = 24, ranks = 3, each = views / ranks;
  const Tensor z = make_input({{views, 5}}, 1, Dtype::f64);
  std::vector<std::int64_t> other;
  for (int i = 0; i < views; i++) other.push_back((i + views / 2) % views);
  const Tensor positive = Tensor::from(other, {views});
  const Result whole = evaluate(z, z, positive, {0.5, 0});
  Result together{{}, {}, std::vector<double>(views * 5)};
  for (int r = 0; r < ranks; r++) {
    const int begin = r * each, end = begin + each;
    const Result part = evaluate(contiguous(slice(z, 0, begin, end)), z,
                                 contiguous(slice(positive, 0, begin, end)), {0.5, begin});
    together.loss.insert(together.loss.end(), part.loss.begin(), part.loss.end());
    together.drows.insert(together.drows.end(), part.drows.begin(), part.drows.end());
    for (int i = 0; i < views * 5; i++) together.dcolumns[i] += part.dcolumns[i];
  }
  EXPECT_LE(relative_error(together.loss, whole.loss), 1e-14);
  EXPECT_LE(relative_error(together.drows, whole.drows), 1e-14);
  EXPECT_LE(relative_error(together.dcolumns, whole.dcolumns), 1e-14);
}

// One tensor on both sides takes one pass, which gives the sum of what two give.
TEST(info_nce, one_tensor_on_both_sides_gets_both_gradients) {
  for (int views : {2, 66, 130}) {
    const Tensor z = make_input({{views, 40}}, 1, Dtype::f64);
    std::vector<std::int64_t> next;  // not a symmetric relation
    for (int i = 0; i < views; i++) next.push_back((i + 1) % views);
    const Tensor positive = Tensor::from(next, {views});
    const Result two = evaluate(z, z, positive, {0.5, 0});
    std::vector<double> sum = two.drows;
    for (std::size_t i = 0; i < sum.size(); i++) sum[i] += two.dcolumns[i];
    for (const Device device : {Device{}, Device{DeviceType::emu, 0}}) {
      if (!find_backend(device.type)) continue;
      for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
        if (dtype == Dtype::f64 && device.type != DeviceType::cpu) continue;
        Tensor x = make_input({{views, 40}}, 1, dtype, device).detach().requires_grad();
        backward(lacuna::sum(info_nce(x, x, Tensor::from(next, {views}, device), {0.5, 0})));
        EXPECT_LE(relative_error(x.grad().to_vector<double>(), sum),
                  dtype == Dtype::f64 ? 1e-14 : 1e-5)
            << views << " views on " << device;
      }
    }
  }
}

// With two rows a label it is NT-Xent.
TEST(supcon, of_samples_that_are_their_own_class_is_nt_xent) {
  const Tensor z = make_input({{14, 5}}, 1, Dtype::f64);
  std::vector<std::int64_t> labels(14);
  for (int i = 0; i < 14; i++) labels[i] = i % 7;
  EXPECT_NEAR(supcon(z, Tensor::from(labels, {14}), 7, 0.5).item(), nt_xent(z, 0.5).item(), 1e-14);
  EXPECT_THROW(supcon(z, Tensor::from(labels, {14}), 6, 0.5), Error);
  EXPECT_THROW(supcon(z, Tensor::from(labels, {7, 2}), 7, 0.5), Error);
}

TEST(info_nce, one_gradient_where_only_one_is_asked_for) {
  const Tensor a = make_input({{7, 5}}, 1, Dtype::f32), b = make_input({{9, 5}}, 2, Dtype::f32);
  const Tensor positive = Tensor::zeros({7}, Dtype::i64);
  const Result both = evaluate(a, b, positive, {});
  for (int which : {0, 1}) {
    Tensor x = (which ? b : a).detach().requires_grad();
    backward(sum(which ? info_nce(a, x, positive) : info_nce(x, b, positive)));
    EXPECT_EQ(x.grad().to_vector<double>(), which ? both.dcolumns : both.drows);
  }
}

TEST(info_nce, saves_the_embeddings_and_never_the_scores) {
  const auto saved = [](std::int64_t m, std::int64_t columns) {
    Tensor a = Tensor::zeros({m, 4}), b = Tensor::zeros({columns, 4});
    a.requires_grad();
    b.requires_grad();
    return tape_stats(info_nce(a, b, Tensor::zeros({m}, Dtype::i64))).saved_bytes;
  };
  // Rows, columns, positives and lse.
  EXPECT_EQ(saved(100, 300), (100 + 300) * 4 * 4 + 100 * (8 + 4));
  EXPECT_EQ(saved(1000, 3000), 10 * saved(100, 300));
}

TEST(info_nce, needs_no_more_room_than_both_sides_take) {
  if (!find_backend(DeviceType::emu))
    GTEST_SKIP() << "counted on emu, where tiles are those of cuda";
  const Device emu{DeviceType::emu};
  constexpr std::int64_t kDepth = 16;
  for (const std::int64_t m : {130, 1024})
    for (const bool one_set : {true, false}) {
      const Tensor a = make_input({{m, kDepth}}, 1, Dtype::f32, emu),
                   b = one_set ? a : make_input({{m, kDepth}}, 2, Dtype::f32, emu);
      std::vector<std::int64_t> next;
      for (std::int64_t i = 0; i < m; i++) next.push_back((i + 1) % m);
      const Tensor positive = Tensor::from(next, {m}, emu);
      const HeldBytes::Watch watch(HeldBytes::of(DeviceType::emu));
      info_nce(a, b, positive, {0.5, one_set ? 0 : -1});
      EXPECT_GT(watch.most(), 0);
      // Loss, lse and the positives' scores; and the parts of the sums.
      EXPECT_LE(watch.most(), 4 * (3 * m + 2 * m * kDepth)) << m << " rows";
    }
}

TEST(nt_xent, limits) {
  // All embeddings the same: every other view is as likely as the positive.
  EXPECT_NEAR(nt_xent(Tensor::full({16, 4}, 3), 0.5).item(), std::log(15.0), 1e-6);
  // Perfect positives and orthogonal negatives.
  Tensor z = Tensor::zeros({8, 4});
  for (int i = 0; i < 8; i++) z.data<float>()[i * 4 + i % 4] = static_cast<float>(1 + i);
  EXPECT_NEAR(nt_xent(z, 0.5).item(), std::log(1 + 6 * std::exp(-1 / 0.5)), 1e-6);
}

TEST(info_nce, bf16_has_f32_losses) {
  if (!find_backend(DeviceType::emu)) GTEST_SKIP() << "bf16 is for devices";
  const Device emu{DeviceType::emu};
  Tensor z = to(make_input({{10, 12}}, 1, Dtype::bf16), emu);
  z.requires_grad();
  const Tensor y = nt_xent(z);
  EXPECT_EQ(y.dtype(), Dtype::f32);
  backward(y);
  EXPECT_EQ(z.grad().dtype(), Dtype::bf16);
  const Tensor want = nt_xent(to(make_input({{10, 12}}, 1, Dtype::bf16), Dtype::f32));
  EXPECT_LE(relative_error(y.to_vector<double>(), want.to_vector<double>()), 1e-2);
}

TEST(info_nce, errors) {
  const Tensor a = Tensor::zeros({2, 3}), b = Tensor::zeros({5, 3});
  const auto positive = [](std::int64_t first, std::int64_t second) {
    return Tensor::from(std::vector<std::int64_t>{first, second}, {2});
  };
  EXPECT_EQ(rule_of([&] { info_nce(a, b, positive(4, 5)); }),
            "[info_nce] a positive must be a column from 0 to 4 other than the row's own: got 5 in "
            "row 1");
  EXPECT_EQ(
      rule_of([&] { info_nce(a, b, positive(-1, 0)); }),
      "[info_nce] a positive must be a column from 0 to 4 other than the row's own: got -1 in "
      "row 0");
  EXPECT_EQ(rule_of([&] { info_nce(a, b, positive(0, 3), {.self = 2}); }),
            "[info_nce] a positive must be a column from 0 to 4 other than the row's own: got 3 in "
            "row 1");
  EXPECT_EQ(rule_of([&] { info_nce(a, b, positive(0, 0), {.self = 4}); }),
            "[info_nce] columns self, self + 1, ... are the rows themselves (-1: none): got self = "
            "4, rows (2, 3) f32 cpu, columns (5, 3) f32 cpu");
  EXPECT_EQ(rule_of([&] { info_nce(a, b, positive(0, 0), {.temperature = 0}); }),
            "[info_nce] the temperature must be positive: got 0");
  EXPECT_EQ(
      rule_of([&] { info_nce(a, b, Tensor::zeros({2}, Dtype::i32)); }),
      "[info_nce] needs one positive a row, in i64: got rows (2, 3) f32 cpu, positive (2) i32 "
      "cpu");
  EXPECT_EQ(rule_of([&] {
              info_nce(a, Tensor::zeros({5, 4}), positive(0, 0));
            }),
            "[info_nce] needs rows (m, D) and columns (M, D): got rows (2, 3) f32 cpu, columns "
            "(5, 4) f32 cpu");
  EXPECT_EQ(rule_of([&] {
              nt_xent(Tensor::zeros({3, 4}));
            }),
            "[nt_xent] needs z (2N, D), the first views of N samples and then the second: got z "
            "(3, 4) f32 cpu");
}

TEST(info_nce, a_positive_that_is_no_column_gives_nan_on_devices) {
  if (!find_backend(DeviceType::emu)) GTEST_SKIP() << "for devices";
  const Device emu{DeviceType::emu};
  const auto loss =
      info_nce(Tensor::zeros({3, 2}, Dtype::f32, emu), Tensor::zeros({4, 2}, Dtype::f32, emu),
               Tensor::from(std::vector<std::int64_t>{4, 1, 2}, {3}, emu), {.self = 1})
          .to_vector<double>();
  EXPECT_TRUE(std::isnan(loss[0]));
  EXPECT_NEAR(loss[1], std::log(3.0), 1e-6);
  EXPECT_NEAR(loss[2], std::log(3.0), 1e-6);
}

}  // namespace lacuna::test
