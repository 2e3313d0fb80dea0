#include "../../core/ops/batch_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/elementwise.h"
#include "../../core/ops/reduce.h"
#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "case.h"

namespace lacuna::test {
namespace {

// Inputs: x, and where affine gamma and beta. `mean` and `var` instead of the batch's where given.
auto reference(bool affine, std::vector<double> mean = {}, std::vector<double> var = {}) {
  return [=](const Tensors& in) {
    const auto x = in[0].to_vector<double>();
    const std::size_t n = in[0].dim(-1), rows = n ? x.size() / n : 0;
    std::vector<double> y(x.size());
    for (std::size_t j = 0; j < n; j++) {
      long double m = 0, v = 0;
      for (std::size_t r = 0; r < rows; r++) m += x[r * n + j] / static_cast<long double>(rows);
      for (std::size_t r = 0; r < rows; r++)
        v += (x[r * n + j] - m) * (x[r * n + j] - m) / static_cast<long double>(rows);
      if (!mean.empty()) {
        m = mean[j];
        v = var[j];
      }
      const long double gamma = affine ? in[1].to_vector<double>()[j] : 1;
      const long double beta = affine ? in[2].to_vector<double>()[j] : 0;
      for (std::size_t r = 0; r < rows; r++)
        y[r * n + j] =
            static_cast<double>((x[r * n + j] - m) / std::sqrt(v + 1e-5L) * gamma + beta);
    }
    return y;
  };
}

Context mode(bool training) {
  Context ctx;
  ctx.training = training;
  return ctx;
}

const Register batch_norm_cases([] {
  const auto one = [](const std::string& name, const Shape& x, double gradient_tolerance = 1e-5) {
    const std::int64_t n = x.back();
    add({.name = "batch_norm/" + name,
         .inputs = {{x}, parameter({{n}, 0.5, 1.5}), parameter({{n}})},
         .apply =
             [](const Tensors& in) { return batch_norm(in[0], in[1], in[2], {}, {}, mode(true)); },
         .reference = reference(true),
         .gradient_tolerance = gradient_tolerance});
  };
  for (int n : kSizes) {
    if (n > 1) one("rows=" + std::to_string(n), {n, 3});
    one("channels=" + std::to_string(n), {5, n});
  }
  one("image", {2, 20, 21, 16});
  // Drawn x lie on a grid, so that x - mean rounds the same way each time; gamma's gradient is a sum of 16,800 of them.
  one("odd", {3, 70, 80, 3}, 5e-5);
  one("wide", {200, 300});
  add({.name = "batch_norm/plain",
       .inputs = {{{4, 5, 5, 8}}},
       .apply = [](const Tensors& in) { return batch_norm(in[0], {}, {}, {}, {}, mode(true)); },
       .reference = reference(false)});
  add({.name = "batch_norm/eval",
       .inputs = {{{4, 33, 2}}, parameter({{2}, 0.5, 1.5}), parameter({{2}})},
       .apply =
           [](const Tensors& in) {
             const auto as = [&](Tensor t) { return to(to(t, in[1].dtype()), in[0].device()); };
             return batch_norm(in[0], in[1], in[2], as(Tensor::of({0.5f, -1}, {2})),
                               as(Tensor::of({2, 0.25f}, {2})), mode(false));
           },
       .reference = reference(true, {0.5, -1}, {2, 0.25})});
  const auto zeros = [](const std::vector<double>& y) { return std::vector<double>(y.size()); };
  const auto finished = [](std::vector<double> y, const std::vector<double>& more,
                           Epilogue activation = Epilogue::relu) {
    for (std::size_t i = 0; i < y.size(); i++) {
      y[i] += more[i];
      if (activation == Epilogue::relu) y[i] = std::max(y[i], 0.0);
    }
    return y;
  };
  const auto ended = [=](const std::string& name, const Shape& x, Epilogue activation,
                         bool residual) {
    const std::int64_t n = x.back();
    std::vector<Input> inputs{{x}, parameter({{n}, 0.5, 1.5}), parameter({{n}})};
    if (residual) inputs.push_back({x});
    add({.name = "batch_norm/" + name,
         .inputs = inputs,
         .apply =
             [=](const Tensors& in) {
               return batch_norm(in[0], in[1], in[2], {}, {}, mode(true),
                                 {.activation = activation}, {}, residual ? in[3] : Tensor());
             },
         .reference =
             [=](const Tensors& in) {
               const auto y = reference(true)(in);
               return finished(y, residual ? in[3].to_vector<double>() : zeros(y), activation);
             }});
  };
  for (const Shape& x : {Shape{2, 9, 7, 16}, Shape{67, 3}}) {
    const std::string size = x.size() == 4 ? "image" : "odd";
    ended("relu/" + size, x, Epilogue::relu, false);
    ended("residual/" + size, x, Epilogue::none, true);
    ended("residual_relu/" + size, x, Epilogue::relu, true);
  }
  const BatchNormOptions relu{.activation = Epilogue::relu};
  add({.name = "batch_norm/relu/plain",
       .inputs = {{{40, 5}}},
       .apply =
           [=](const Tensors& in) { return batch_norm(in[0], {}, {}, {}, {}, mode(true), relu); },
       .reference =
           [=](const Tensors& in) {
             const auto y = reference(false)(in);
             return finished(y, zeros(y));
           }});
  add({.name = "batch_norm/residual_relu/of_itself",
       .inputs = {{{40, 5}}, parameter({{5}, 0.5, 1.5}), parameter({{5}})},
       .apply =
           [=](const Tensors& in) {
             return batch_norm(in[0], in[1], in[2], {}, {}, mode(true), relu, {}, in[0]);
           },
       .reference =
           [=](const Tensors& in) {
             return finished(reference(true)(in), in[0].to_vector<double>());
           }});
  add({.name = "batch_norm/relu/eval",
       .inputs = {{{4, 33, 2}}, parameter({{2}, 0.5, 1.5}), parameter({{2}})},
       .apply =
           [=](const Tensors& in) {
             const auto as = [&](Tensor t) { return to(to(t, in[1].dtype()), in[0].device()); };
             return batch_norm(in[0], in[1], in[2], as(Tensor::of({0.5f, -1}, {2})),
                               as(Tensor::of({2, 0.25f}, {2})), mode(false), relu);
           },
       .reference =
           [=](const Tensors& in) {
             const auto y = reference(true, {0.5, -1}, {2, 0.25})(in);
             return finished(y, zeros(y));
           }});
  // A mean far from zero: E[x^2] - E[x]^2 in f32 would have no digit left.
  add({.name = "batch_norm/offset",
       .inputs = {{{64, 64, 3}, 1000, 1001}},
       .apply = [](const Tensors& in) { return batch_norm(in[0], {}, {}, {}, {}, mode(true)); },
       .reference = reference(false),
       .tolerance = 2e-4,  // one ulp of a mean of 1000, in standard deviations
       .gradient_tolerance = 1e-3,
       .check_numerically = false});
});

// Two ranks, one after the other: the sums of rank 1 are recorded first, then handed to rank 0.
class Recorded : public Comm {
 public:
  mutable std::vector<std::vector<double>> mine, others;
  mutable std::size_t next = 0;
  int size() const override { return 2; }
  void all_reduce_sum(Tensor& t) const override {
    mine.push_back(t.to_vector<double>());
    if (next < others.size()) {
      const Tensor other = to(Tensor::from(others[next], t.shape()), t.dtype());
      NoGrad guard;
      t.copy_from(t + other);
    }
    next++;
  }
};

}  // namespace

TEST(batch_norm, running_statistics_follow_the_batch) {
  const Tensor x = Tensor::of({1, 10, 2, 20, 3, 60}, {3, 2});
  Tensor mean = Tensor::of({0, 1}, {2}), var = Tensor::of({1, 1}, {2});
  batch_norm(x, {}, {}, mean, var, mode(true), {.momentum = 0.5});
  EXPECT_EQ(mean.to_vector<float>(), (std::vector<float>{1, 15.5f}));
  EXPECT_EQ(var.to_vector<float>(), (std::vector<float>{1, 350.5f}));  // unbiased: 1 and 700
  batch_norm(x, {}, {}, mean, var, mode(false));
  EXPECT_EQ(mean.to_vector<float>(), (std::vector<float>{1, 15.5f}));
}

TEST(batch_norm, recompute_updates_running_statistics_once) {
  Tensor x = Tensor::of({1, 10, 2, 20, 3, 60}, {3, 2});
  x.requires_grad();
  Tensor mean = Tensor::zeros({2}), var = Tensor::zeros({2});
  const auto f = [&](const std::vector<Tensor>& in) {
    return batch_norm(in[0], {}, {}, mean, var, mode(true));
  };
  backward(sum(square(recompute(f, {x}))));
  EXPECT_FLOAT_EQ(mean.to_vector<float>()[0], 0.2f);
  EXPECT_FALSE(recomputing());
}

TEST(batch_norm, two_ranks_equal_one) {
  const Shape whole{10, 3};
  const Tensor x = make_input({whole, 5, 9}, 1, Dtype::f64),
               dy = make_input({whole}, 2, Dtype::f64);
  const Tensor gamma = make_input({{3}, 0.5, 1.5}, 3, Dtype::f64);
  const auto step = [&](const Tensor& rows, const Tensor& up, const Comm& comm, Tensor mean,
                        Tensor var) {
    Context ctx;
    ctx.comm = &comm;
    Tensor leaf = rows.clone(), scale = gamma.clone();
    leaf.requires_grad();
    scale.requires_grad();
    const Tensor y = batch_norm(leaf, scale, {}, mean, var, ctx);
    backward(y, up);
    return std::vector<Tensor>{y.detach(), leaf.grad(), scale.grad(), mean, var};
  };
  const auto zeros = [] { return Tensor::zeros({3}, Dtype::f64); };
  const auto want = step(x, dy, solo(), zeros(), zeros());
  // Each collective's other half is found by running the other rank until nothing changes: mean, then the centred sums,
  // then the gradients' sums depend on those before.
  Recorded a, b;
  std::vector<Tensor> first, second;
  for (int round = 0; round < 6; round++) {
    a.mine.clear(), a.next = 0;
    first = step(slice(x, 0, 0, 4), slice(dy, 0, 0, 4), a, zeros(), zeros());
    b.others = a.mine, b.mine.clear(), b.next = 0;
    second = step(slice(x, 0, 4, 10), slice(dy, 0, 4, 10), b, zeros(), zeros());
    a.others = b.mine;
  }
  const auto check = [&](int i, const std::vector<double>& got) {
    EXPECT_LE(relative_error(got, want[i].to_vector<double>()), 1e-12) << i;
  };
  for (int i : {0, 1}) {
    auto both = first[i].to_vector<double>();
    for (double v : second[i].to_vector<double>()) both.push_back(v);
    check(i, both);
  }
  check(2, (first[2] + second[2]).to_vector<double>());
  for (int i : {3, 4}) {
    check(i, first[i].to_vector<double>());
    check(i, second[i].to_vector<double>());
  }
}

// Without a residual y is made again: square, which saves its x, holds none.
TEST(batch_norm, keeps_x_alone) {
  const Shape shape{4, 6, 6, 16};
  Tensor x = make_input({shape}, 1, Dtype::f32);
  x.requires_grad();
  const auto saved = [&](const Tensor& residual) {
    const Tensor y =
        batch_norm(x, {}, {}, {}, {}, mode(true), {.activation = Epilogue::relu}, {}, residual);
    const std::int64_t bytes = 4 * shape.numel(), all = tape_stats(square(y)).saved_bytes;
    return static_cast<double>(all - 2 * 4 * 16) / static_cast<double>(bytes);  // less mean, rstd
  };
  EXPECT_EQ(saved({}), 1);
  EXPECT_EQ(saved(x), 2);
}

TEST(batch_norm, errors) {
  const auto text = [](auto f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(
      text([] {
        batch_norm(Tensor::zeros({1, 4}), {}, {}, {}, {}, mode(true));
      }),
      "[batch_norm] the batch's statistics need more than one value a channel: got x (1, 4) f32 "
      "cpu");
  EXPECT_EQ(
      text([] {
        batch_norm(Tensor::zeros({2, 4}), Tensor::zeros({3}), {}, {}, {}, mode(true));
      }),
      "[batch_norm] gamma must have one value a channel: got gamma (3) f32 cpu for x (2, 4) f32 "
      "cpu");
  EXPECT_EQ(
      text([] {
        batch_norm(Tensor::zeros({2, 4}), {}, {}, {}, {}, mode(true), {}, {}, Tensor::zeros({4}));
      }),
      "[batch_norm] residual must have x's shape: got residual (4) f32 cpu, x (2, 4) f32 cpu");
  EXPECT_NE(text([] {
              batch_norm(Tensor::zeros({2, 4}), {}, {}, Tensor::zeros({4}), {}, mode(true));
            }).find("come together"),
            std::string::npos);
}

}  // namespace lacuna::test
