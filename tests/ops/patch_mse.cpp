#include "../../core/ops/patch_mse.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/tape.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {
namespace {

// As the formula is written, patch by patch.
std::vector<double> reference(const Tensors& in, const PatchMseOptions& o) {
  const auto x = in[0].to_vector<double>(), t = in[1].to_vector<double>(),
             hidden = in[2].to_vector<double>();
  const std::int64_t p = in[0].dim(-1);
  long double loss = 0, count = 0;
  for (std::size_t r = 0; r < hidden.size(); r++) {
    if (hidden[r] == 0) continue;
    long double mean = 0, var = 0, error = 0;
    for (std::int64_t k = 0; k < p; k++) mean += t[r * p + k];
    mean /= p;
    for (std::int64_t k = 0; k < p; k++) var += std::pow(t[r * p + k] - mean, 2);
    var /= p - 1;
    for (std::int64_t k = 0; k < p; k++) {
      const long double goal =
          o.normalise ? (t[r * p + k] - mean) / std::sqrt(var + o.eps) : t[r * p + k];
      error += std::pow(x[r * p + k] - goal, 2);
    }
    loss += error / p;
    count += 1;
  }
  return {static_cast<double>(count == 0 ? 0 : loss / count)};
}

void patch_case(const std::string& name, const Shape& shape, const PatchMseOptions& o = {},
                Input mask = {{}, 0, 2, Dtype::u8, false}) {
  for (int d = 0; d + 1 < shape.size(); d++) mask.shape.push_back(shape[d]);
  Input target{shape, -1, 3};
  target.differentiable = false;
  add({.name = "patch_mse/" + name,
       .inputs = {{shape}, target, mask},
       .apply = [=](const Tensors& x) { return patch_mse(x[0], x[1], x[2], o); },
       .reference = [=](const Tensors& x) { return reference(x, o); }});
}

const Register patch_mse_cases([] {
  for (int n : kSizes) {
    const std::string size = std::to_string(n);
    if (n > 1) patch_case("values=" + size, {5, n});
    if (n > 0) patch_case("as_it_is/values=" + size, {5, n}, {.normalise = false});
    patch_case("patches=" + size, {n, 6});
    patch_case("batch=" + size, {n, 3, 4});
  }
  patch_case("pictures", {2, 16, 48});
  patch_case("eps", {4, 12}, {.eps = 0.5});
  patch_case("long", {3, 8204});
  patch_case("all", {4, 12}, {}, {{}, 1, 2, Dtype::u8, false});
  patch_case("none", {4, 12}, {}, {{}, 0, 1, Dtype::u8, false});
  patch_case("bool", {4, 12}, {}, {{}, 0, 1, Dtype::boolean, false, {1, 0, 0, 1}});
});

Tensor mask(const std::vector<std::uint8_t>& v) {
  return Tensor::from(v, {static_cast<std::int64_t>(v.size())});
}

}  // namespace

TEST(patch_mse, looks_at_hidden_patches_alone) {
  Tensor x = Tensor::of({NAN, 1, 1, 2}, {2, 2});
  x.requires_grad();
  const Tensor t = Tensor::of({0, INFINITY, 3, 3}, {2, 2});
  const Tensor loss = patch_mse(x, t, mask({0, 1}), {.normalise = false});
  EXPECT_EQ(loss.item(), (4 + 1) / 2.0);
  backward(loss);
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{0, 0, -2, -1}));
}

TEST(patch_mse, normalises_with_the_unbiased_variance) {
  // Mean 2 and variance ((-1)^2 + 1^2) / (2 - 1) = 2; the patch becomes -+1 / sqrt(2).
  const Tensor x = Tensor::zeros({1, 2}), t = Tensor::of({1, 3}, {1, 2});
  EXPECT_NEAR(patch_mse(x, t, mask({1})).item(), 0.5, 1e-6);
  // A patch of one colour has variance 0: eps keeps it finite, and it is all 0.
  EXPECT_EQ(patch_mse(x, Tensor::full({1, 2}, 0.5), mask({1})).item(), 0);
}

TEST(patch_mse, of_nothing_hidden_is_zero) {
  Tensor x = Tensor::of({1, 2}, {1, 2});
  x.requires_grad();
  const Tensor loss = patch_mse(x, x.detach(), mask({0}));
  EXPECT_EQ(loss.item(), 0);
  backward(loss);
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{0, 0}));
}

TEST(patch_mse, backward_leaves_a_prediction_that_others_hold_alone) {
  Tensor x = Tensor::of({1, 2}, {1, 2});
  x.requires_grad();
  backward(patch_mse(x, Tensor::zeros({1, 2}), mask({1})));
  EXPECT_EQ(x.detach().to_vector<float>(), (std::vector<float>{1, 2}));
}

TEST(patch_mse, errors) {
  const Tensor x = Tensor::zeros({2, 3});
  EXPECT_EQ(error_of([&] {
              patch_mse(x, Tensor::zeros({3, 2}), mask({0, 1}));
            }),
            "[patch_mse] needs prediction and target (..., p) and hidden (...): got prediction (2, "
            "3) f32 cpu, target (3, 2) f32 cpu, hidden (2) u8 cpu");
  EXPECT_EQ(error_of([&] {
              patch_mse(x, x, mask({0, 1, 1}));
            }),
            "[patch_mse] needs prediction and target (..., p) and hidden (...): got prediction (2, "
            "3) f32 cpu, target (2, 3) f32 cpu, hidden (3) u8 cpu");
  EXPECT_EQ(error_of([&] { patch_mse(x, x, Tensor::zeros({2})); }),
            "[patch_mse] needs patches (rows, p) and a u8 or bool for each that says whether it is "
            "hidden: got prediction (2, 3) f32 cpu, hidden (2) f32 cpu");
  const Tensor one = Tensor::zeros({2, 1});
  EXPECT_EQ(error_of([&] {
              patch_mse(one, one, mask({0, 1}));
            }),
            "[patch_mse] a patch has at least one value, two where it is normalised: got target "
            "(2, 1) f32 cpu");
  EXPECT_EQ(error_of([&] {
              patch_mse(x, x, mask({0, 1}), {.eps = -1});
            }),
            "[patch_mse] eps must not be negative: got -1");
}

}  // namespace lacuna::test
