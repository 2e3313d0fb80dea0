#include "../../core/ops/pointwise_loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "case.h"

namespace lacuna::test {
namespace {

using Loss = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);

// sum of w * f over sum of w, in long double; w is repeated in runs of `repeat`.
template <class F>
auto weighted_mean(F f, int repeat = 1) {
  return [f, repeat](const Tensors& in) {
    const auto a = in[0].to_vector<double>(), b = in[1].to_vector<double>();
    const auto w = in.size() > 2 ? in[2].to_vector<double>() : std::vector<double>();
    long double sum = 0, count = 0;
    for (std::size_t i = 0; i < a.size(); i++) {
      const long double m = w.empty() ? 1 : w[i / repeat % w.size()];
      sum += m == 0 ? 0 : m * static_cast<long double>(f(a[i], b[i]));
      count += m;
    }
    return std::vector<double>{static_cast<double>(sum / count)};
  };
}

template <class F>
void cases_of(const std::string& op, Loss loss, Input x, Input t, bool smooth, F f) {
  const auto apply = [loss](const Tensors& in) {
    return loss(in[0], in[1], in.size() > 2 ? in[2] : Tensor());
  };
  const auto with = [](Input input, const Shape& shape) {
    input.shape = shape;
    return input;
  };
  const auto add_case = [&](const std::string& name, const Shape& shape, std::vector<Input> mask,
                            int repeat) {
    std::vector<Input> inputs = {with(x, shape), with(t, shape)};
    inputs.insert(inputs.end(), mask.begin(), mask.end());
    add({.name = op + "/" + name,
         .inputs = inputs,
         .apply = apply,
         .reference = weighted_mean(f, repeat),
         .check_numerically = smooth});
  };
  for (int n : kSizes) add_case("n=" + std::to_string(n), {n}, {}, 1);
  add_case("pieces", {3, 70, 80, 3}, {}, 1);
  const auto mask = [](const Shape& shape, Dtype dtype) {
    return std::vector<Input>{{shape, 0, 2, dtype, false}};
  };
  add_case("mask_u8", {5, 33}, mask({5, 33}, Dtype::u8), 1);
  add_case("mask_pixels", {2, 5, 7, 3}, mask({2, 5, 7, 1}, Dtype::u8), 3);
  add_case("mask_pixels_pieces", {4, 64, 64, 3}, mask({4, 64, 64, 1}, Dtype::u8), 3);
  add_case("mask_per_value_of_one_image", {3, 4, 4, 3}, mask({4, 4, 3}, Dtype::u8), 1);
  add_case("mask_float", {4, 9}, mask({4, 9}, Dtype::f32), 1);
  add({.name = op + "/mask_bool",
       .inputs = {with(x, {4}), with(t, {4}), {{4}, 0, 1, Dtype::boolean, false, {1, 0, 0, 1}}},
       .apply = apply,
       .reference = weighted_mean(f),
       .check_numerically = smooth});
}

double softplus_ref(double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); }

const Register pointwise_loss_cases([] {
  const Input any{{}, -2, 2}, probability{{}, 0, 1}, logit{{}, -6, 6};
  cases_of("mse_loss", mse_loss, any, any, true,
           [](double a, double b) { return (a - b) * (a - b); });
  cases_of("l1_loss", l1_loss, any, any, false,
           [](double a, double b) { return std::fabs(a - b); });
  cases_of("bce_with_logits", bce_with_logits, logit, probability, true,
           [](double a, double b) { return softplus_ref(a) - a * b; });
  add({.name = "bce_with_logits/extreme",
       .inputs = {{.shape = {6}, .values = {40, -40, 1000, -1000, 20, 0}},
                  {.shape = {6}, .values = {1, 0, 1, 0, 1, 0}}},
       .apply = [](const Tensors& x) { return bce_with_logits(x[0], x[1]); },
       .check_numerically = false});
  for (int n : kSizes)
    add({.name = "kl_unit_gaussian/n=" + std::to_string(n),
         .inputs = {{{4, n}}, {{4, n}}},
         .apply = [](const Tensors& x) { return kl_unit_gaussian(x[0], x[1]); },
         .reference =
             [](const Tensors& x) {
               const auto mu = x[0].to_vector<double>(), logvar = x[1].to_vector<double>();
               double sum = 0;
               for (std::size_t i = 0; i < mu.size(); i++)
                 sum += 1 + logvar[i] - mu[i] * mu[i] - std::exp(logvar[i]);
               return std::vector<double>{-0.5 * sum / 4};
             }});
});

}  // namespace

TEST(pointwise_loss, a_mask_of_zeros_gives_zero_and_hides_nan) {
  Tensor x = Tensor::of({NAN, 1, 2}, {3});
  x.requires_grad();
  const Tensor t = Tensor::of({0, 0, INFINITY}, {3});
  for (Loss loss : {mse_loss, l1_loss, bce_with_logits}) {
    x.set_grad({});
    Tensor y = loss(x, t, Tensor::zeros({3}, Dtype::boolean));
    EXPECT_EQ(y.item(), 0);
    backward(y);
    EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{0, 0, 0}));
    x.set_grad({});
    y = loss(x, t, Tensor::from<std::uint8_t>({0, 1, 0}, {3}));
    backward(y);
    EXPECT_TRUE(std::isfinite(y.item()));
    EXPECT_EQ(x.grad().to_vector<float>()[0], 0);
    EXPECT_NE(x.grad().to_vector<float>()[1], 0);
    EXPECT_EQ(x.grad().to_vector<float>()[2], 0);
  }
}

TEST(pointwise_loss, the_mean_over_nothing_is_nan) {
  EXPECT_TRUE(std::isnan(mse_loss(Tensor::zeros({0, 3}), Tensor::zeros({0, 3})).item()));
}

TEST(pointwise_loss, backward_leaves_a_target_that_others_hold_alone) {
  Tensor w = Tensor::of({1, 2, 3}, {3}), t = Tensor::of({0, 0, 0}, {3});
  w.requires_grad();
  const Tensor x = reshape(w, {3, 1});  // a view: the leaf holds the same storage
  backward(mse_loss(x, reshape(t, {3, 1})));
  EXPECT_EQ(w.detach().to_vector<float>(), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(t.to_vector<float>(), (std::vector<float>{0, 0, 0}));
}

TEST(pointwise_loss, errors) {
  const auto text = [](auto f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  const Tensor x = Tensor::zeros({2, 3});
  EXPECT_EQ(
      text([&] {
        mse_loss(x, Tensor::zeros({3, 2}));
      }),
      "[mse_loss] x and target must have one shape: got x (2, 3) f32 cpu, target (3, 2) f32 cpu");
  EXPECT_NE(text([&] {
              mse_loss(x, x, Tensor::zeros({4, 2, 3}));
            }).find("[mse_loss] the mask must broadcast"),
            std::string::npos);
  EXPECT_NE(text([&] {
              l1_loss(x, x, Tensor::zeros({2, 3}, Dtype::i64));
            }).find("[l1_loss] the mask must be bool, u8"),
            std::string::npos);
}

}  // namespace lacuna::test
