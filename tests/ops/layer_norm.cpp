#include "../../core/ops/layer_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "case.h"

namespace lacuna::test {
namespace {

// Rows of n elements; inputs x, and where affine gamma and beta.
auto reference(bool affine, std::size_t n) {
  return [=](const Tensors& in) {
    const auto x = in[0].to_vector<double>();
    const auto gamma = affine ? in[1].to_vector<double>() : std::vector<double>(n, 1);
    const auto beta = affine ? in[2].to_vector<double>() : std::vector<double>(n, 0);
    std::vector<double> y(x.size());
    for (std::size_t r = 0; r < x.size(); r += n) {
      long double mean = 0, var = 0;
      for (std::size_t j = 0; j < n; j++) mean += x[r + j] / static_cast<long double>(n);
      for (std::size_t j = 0; j < n; j++)
        var += (x[r + j] - mean) * (x[r + j] - mean) / static_cast<long double>(n);
      for (std::size_t j = 0; j < n; j++)
        y[r + j] =
            static_cast<double>((x[r + j] - mean) / std::sqrt(var + 1e-5L) * gamma[j] + beta[j]);
    }
    return y;
  };
}

std::vector<double> unit_rows(const Tensors& in) {
  auto x = in[0].to_vector<double>();
  const std::size_t n = in[0].dim(-1);
  for (std::size_t r = 0; r < x.size(); r += n) {
    long double squares = 0;
    for (std::size_t j = 0; j < n; j++) squares += static_cast<long double>(x[r + j]) * x[r + j];
    for (std::size_t j = 0; j < n; j++) x[r + j] /= static_cast<double>(std::sqrt(squares));
  }
  return x;
}

const Register layer_norm_cases([] {
  const auto affine = [](const Tensors& in) { return layer_norm(in[0], in[1], in[2]); };
  for (int n : kSizes) {
    const std::string size = std::to_string(n);
    add({.name = "layer_norm/rows=" + size,
         .inputs = {{{n, 5}}, parameter({{5}, 0.5, 1.5}), parameter({{5}})},
         .apply = affine,
         .reference = reference(true, 5)});
    // One element: its variance is 0, and so is its gradient but for rounding that eps blows up.
    if (n != 1)
      add({.name = "layer_norm/cols=" + size,
           .inputs = {{{3, n}}, parameter({{n}, 0.5, 1.5}), parameter({{n}})},
           .apply = affine,
           .reference = reference(true, n)});
    add({.name = "l2_normalise/rows=" + size,
         .inputs = {{{n, 5}}},
         .apply = [](const Tensors& in) { return l2_normalise(in[0]); },
         .reference = unit_rows});
    add({.name = "l2_normalise/cols=" + size,
         .inputs = {{{3, n}, 0.5, 2}},
         .apply = [](const Tensors& in) { return l2_normalise(in[0]); },
         .reference = unit_rows});
  }
  add({.name = "layer_norm/plain",
       .inputs = {{{4, 9, 33}}},
       .apply = [](const Tensors& in) { return layer_norm(in[0]); },
       .reference = reference(false, 33)});
  add({.name = "layer_norm/two_dims",
       .inputs = {{{4, 3, 7}}, parameter({{3, 7}, 0.5, 1.5}), parameter({{3, 7}})},
       .apply = [](const Tensors& in) { return layer_norm(in[0], in[1], in[2], 2); },
       .reference = reference(true, 21)});
  add({.name = "layer_norm/gamma_alone",
       .inputs = {{{4, 9}}, parameter({{9}, 0.5, 1.5})},
       .apply = [](const Tensors& in) { return layer_norm(in[0], in[1]); }});
  add({.name = "l2_normalise/first_dim", .inputs = {{{9, 2, 3}}}, .apply = [](const Tensors& in) {
         return l2_normalise(in[0], 0);
       }});
  add({.name = "l2_normalise/below_eps", .inputs = {{{3, 4}}}, .apply = [](const Tensors& in) {
         return l2_normalise(in[0], -1, 100);
       }});
});

}  // namespace

TEST(l2_normalise, a_zero_vector_stays_zero) {
  Tensor x = Tensor::of({0, 0, 3, 4}, {2, 2});
  x.requires_grad();
  const Tensor y = l2_normalise(x, -1, 0.5);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{0, 0, 0.6f, 0.8f}));
  backward(y, Tensor::of({1, 2, 0, 0}, {2, 2}));
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{2, 4, 0, 0}));
}

TEST(layer_norm, bf16_activations_have_f32_parameters) {
  if (!find_backend(DeviceType::emu)) GTEST_SKIP() << "bf16 is for devices";
  const auto run_on = [](Device device, Dtype dtype) {
    Tensor x = to(make_input({{6, 40}}, 1, dtype), device),
           gamma = to(make_input({{40}, 0.5, 1.5}, 2, Dtype::f32), device);
    x.requires_grad();
    gamma.requires_grad();
    const Tensor y = layer_norm(x, gamma);
    backward(y, to(make_input({{6, 40}}, 3, dtype), device));
    EXPECT_EQ(gamma.grad().dtype(), Dtype::f32);
    EXPECT_EQ(x.grad().dtype(), dtype);
    return std::vector<Tensor>{y.detach(), x.grad(), gamma.grad()};
  };
  const auto got = run_on({DeviceType::emu}, Dtype::bf16), want = run_on({}, Dtype::f32);
  for (int i = 0; i < 3; i++)
    EXPECT_LE(relative_error(got[i].to_vector<double>(), want[i].to_vector<double>()), 0.02) << i;
}

TEST(layer_norm, errors) {
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
        layer_norm(Tensor::zeros({2, 4}), Tensor::zeros({2}));
      }),
      "[layer_norm] gamma and beta must have the shape (4) of what is normalised: got gamma (2) "
      "f32 cpu, beta undefined");
  EXPECT_EQ(text([] { layer_norm(Tensor::zeros({2}), {}, {}, 2); }),
            "[layer_norm] normalises the last 2 dimensions: got x (2) f32 cpu");
}

}  // namespace lacuna::test
