// Each layer: what it computes, its parameters' names and shapes, PyTorch's initial bounds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "../../core/ops/elementwise.h"
#include "../../core/ops/reduce.h"
#include "../../core/tape.h"
#include "../../kernels/backend.h"
#include "../../nn/layers/activation.h"
#include "../../nn/layers/batch_norm.h"
#include "../../nn/layers/conv2d.h"
#include "../../nn/layers/conv_transpose2d.h"
#include "../../nn/layers/dropout.h"
#include "../../nn/layers/embedding.h"
#include "../../nn/layers/layer_norm.h"
#include "../../nn/layers/linear.h"
#include "../../nn/layers/pool2d.h"
#include "support.h"

namespace lacuna {
namespace {

using Values = std::vector<float>;

void expect_bound(const Tensor& t, double bound) {
  double most = 0;
  for (double v : t.to_vector<double>()) most = std::max(most, std::fabs(v));
  EXPECT_LE(most, bound);
  EXPECT_GT(most, 0.9 * bound);
}

Tensor run_layer(Module&& layer, const Tensor& x) {
  Context context;
  layer.initialize(1);
  return layer.forward(context, x);
}

}  // namespace

TEST(layers, conv2d) {
  Conv2d layer({.in = 4, .out = 64, .kernel = {3, 5}, .stride = 2, .padding = {1, 2}, .groups = 2});
  layer.initialize(1);
  EXPECT_EQ(layer.weight.shape(), (Shape{64, 3, 5, 2}));
  EXPECT_EQ(layer.bias.shape(), (Shape{64}));
  expect_bound(layer.weight, 1 / std::sqrt(30.0));
  expect_bound(layer.bias, 1 / std::sqrt(30.0));
  Context context;
  EXPECT_EQ(layer.forward(context, Tensor::zeros({2, 8, 6, 4})).shape(), (Shape{2, 4, 3, 64}));
  EXPECT_EQ(Conv2d({.in = 1, .out = 1, .kernel = 1, .bias = false}).parameter_count(), 1);
}

TEST(layers, conv_transpose2d_has_pytorchs_fan) {
  ConvTranspose2d layer({.in = 4, .out = 32, .kernel = 2, .stride = 2, .groups = 2});
  layer.initialize(1);
  EXPECT_EQ(layer.weight.shape(), (Shape{4, 2, 2, 16}));
  expect_bound(layer.weight, 1 / std::sqrt(16.0 * 4));
  expect_bound(layer.bias, 1 / std::sqrt(16.0 * 4));
  Context context;
  EXPECT_EQ(layer.forward(context, Tensor::zeros({1, 3, 5, 4})).shape(), (Shape{1, 6, 10, 32}));
}

TEST(layers, linear) {
  Linear layer({.in = 3, .out = 50});
  layer.initialize(1);
  expect_bound(layer.weight, 1 / std::sqrt(3.0));
  expect_bound(layer.bias, 1 / std::sqrt(3.0));
  layer.load_state_dict({{"weight", Tensor::full({50, 3}, 2)}, {"bias", Tensor::full({50}, 1)}});
  Context context;
  const Tensor y = layer.forward(context, Tensor::of({1, 2, 3}, {1, 1, 3}));
  EXPECT_EQ(y.shape(), (Shape{1, 1, 50}));
  EXPECT_EQ(y.to_vector<float>(), Values(50, 13));
  EXPECT_THROWS_WITH(Linear({.in = 3}), "in and out must be above 0");
}

TEST(layers, linear_folds_its_activation_in_a_sequential) {
  Sequential net(Linear({.in = 2, .out = 8}), Tanh(), Linear({.in = 8, .out = 1}), LeakyReLU(0.1));
  net.initialize(1);
  Context context;
  const Tensor y = net.forward(context, Tensor::of({1, -1}, {1, 2}));
  EXPECT_EQ(tape_stats(y).ops, 3);  // linear with tanh, linear, leaky_relu
  backward(sum(y));
  for (const auto& [name, p] : net.parameters()) EXPECT_TRUE(p.grad().defined()) << name;
}

TEST(layers, embedding) {
  Embedding layer({.count = 200, .width = 100});
  layer.initialize(1);
  double square = 0;
  for (double v : layer.weight.to_vector<double>()) square += v * v / 20000;
  EXPECT_NEAR(square, 1, 0.05);
  Context context;
  const Tensor y = layer.forward(context, Tensor::from(std::vector<std::int64_t>{3, 3, 7}, {3, 1}));
  EXPECT_EQ(y.shape(), (Shape{3, 1, 100}));
}

TEST(layers, pooling) {
  const Tensor x = Tensor::of({1, 2, 3, 4}, {1, 2, 2, 1});
  EXPECT_EQ(run_layer(MaxPool2d({.kernel = 2}), x).to_vector<float>(), (Values{4}));
  EXPECT_EQ(run_layer(AvgPool2d({.kernel = 2}), x).to_vector<float>(), (Values{2.5f}));
  EXPECT_EQ(run_layer(GlobalAvgPool(), x).shape(), (Shape{1, 1}));
}

TEST(layers, activations) {
  const Tensor x = Tensor::of({-1, 0, 2}, {1, 3});
  EXPECT_EQ(run_layer(ReLU(), x).to_vector<float>(), (Values{0, 0, 2}));
  EXPECT_EQ(run_layer(LeakyReLU(), x).to_vector<float>(), (Values{-0.01f, 0, 2}));
  EXPECT_NEAR(run_layer(Sigmoid(), x).to_vector<float>()[2], 0.880797, 1e-6);
  EXPECT_NEAR(run_layer(Tanh(), x).to_vector<float>()[2], 0.964028, 1e-6);
  EXPECT_NEAR(run_layer(GELU(), x).to_vector<float>()[2], 1.954500, 1e-6);
  EXPECT_NEAR(run_layer(GELU({.tanh = true}), x).to_vector<float>()[2], 1.954598, 1e-6);
  EXPECT_NEAR(run_layer(Softmax(), x).to_vector<float>()[2], 0.843795, 1e-6);
  EXPECT_EQ(run_layer(Flatten(), Tensor::zeros({2, 3, 4, 5})).shape(), (Shape{2, 60}));
}

TEST(layers, batch_norm_keeps_running_statistics) {
  BatchNorm layer({.channels = 2, .momentum = 0.5});
  layer.initialize(1);
  Context context;
  const Tensor x = Tensor::of({1, 10, 3, 20}, {2, 1, 1, 2});  // means 2 and 15, variances 1 and 25
  const auto y = layer.forward(context, x).to_vector<float>();
  EXPECT_NEAR(y[0], -1, 1e-5);
  EXPECT_NEAR(y[3], 1, 1e-5);
  EXPECT_EQ(layer.running_mean.to_vector<float>(), (Values{1, 7.5f}));
  EXPECT_EQ(layer.running_var.to_vector<float>(),
            (Values{1.5f, 25.5f}));  // half of 1, and of 2 and 50
  EXPECT_EQ(layer.state_dict().size(), 4u);
  EXPECT_EQ(layer.parameter_count(), 4);
  context.training = false;
  EXPECT_NEAR(layer.forward(context, x).to_vector<float>()[0], 0, 1e-5);
  EXPECT_EQ(layer.running_mean.to_vector<float>(), (Values{1, 7.5f}));

  BatchNorm bare({.channels = 2, .affine = false, .running_statistics = false});
  bare.initialize(1);
  EXPECT_TRUE(bare.state_dict().empty());
  EXPECT_NEAR(bare.forward(context, x).to_vector<float>()[0], -1, 1e-5);
}

// The convolution hands its result's moments over; everything is as if it had not.
TEST(layers, batch_norm_takes_moments_from_the_convolution) {
  const auto build = [] {
    Sequential net(Conv2d({.in = 3, .out = 5, .kernel = 3, .padding = 1}),
                   BatchNorm({.channels = 5}), ReLU());
    net.initialize(1);
    return net;
  };
  std::vector<float> values;
  for (int i = 0; i < 2 * 6 * 7 * 3; i++) values.push_back(static_cast<float>(i * 37 % 101) / 50);
  const Tensor x = Tensor::from(values, {2, 6, 7, 3});
  Context context;
  Sequential fused = build(), plain = build();
  for (const bool training : {true, false}) {
    context.training = training;
    const Tensor got = fused.forward(context, x);
    Tensor want = x;
    for (int i = 0; i < 3; i++) want = plain[i].forward(context, want);
    EXPECT_EQ(got.to_vector<float>(), want.to_vector<float>());
    if (!training) break;
    backward(sum(square(got)));
    backward(sum(square(want)));
  }
  const auto a = fused.state_dict(), b = plain.state_dict();
  for (const auto& [name, t] : a)
    EXPECT_EQ(t.to_vector<float>(), b.at(name).to_vector<float>()) << name;
  const auto p = fused.parameters(), q = plain.parameters();
  for (std::size_t i = 0; i < p.size(); i++)
    EXPECT_EQ(p[i].tensor.grad().to_vector<float>(), q[i].tensor.grad().to_vector<float>())
        << p[i].name;
}

// Only the layer after a convolution, and only where it wants the batch's: counted by what the table's kernels were called.
TEST(layers, moments_cost_no_kernel_of_their_own) {
  Sequential net(Conv2d({.in = 3, .out = 5, .kernel = 3}), BatchNorm({.channels = 5}));
  net.initialize(1);
  Context context;
  const auto calls = [] {
    for (std::size_t i = 0; i < kernel_names().size(); i++)
      if (std::string(kernel_names()[i]) == "batch_norm_moments") return kernel_calls()[i];
    return std::int64_t{-1};
  };
  const auto before = calls();
  ASSERT_GE(before, 0);
  net.forward(context, Tensor::zeros({2, 6, 7, 3}));
  EXPECT_EQ(calls(), before);
  net[1].forward(context, Tensor::zeros({2, 6, 7, 5}));
  EXPECT_EQ(calls(), before + 1);
}

TEST(layers, layer_norm) {
  LayerNorm layer({.shape = {2, 2}});
  layer.initialize(1);
  layer.load_state_dict({{"weight", Tensor::full({2, 2}, 2)}, {"bias", Tensor::full({2, 2}, 1)}});
  Context context;
  const auto y = layer.forward(context, Tensor::of({-1, 1, -1, 1}, {1, 2, 2})).to_vector<float>();
  EXPECT_NEAR(y[0], -1, 1e-4);
  EXPECT_NEAR(y[1], 3, 1e-4);
  EXPECT_THROWS_WITH(layer.forward(context, Tensor::zeros({2, 4})),
                     "x must end in (2, 2): got x (2, 4)");
  EXPECT_EQ(LayerNorm({.shape = {3}, .affine = false}).parameter_count(), 0);
}

TEST(layers, dropout_depends_on_its_path_and_on_training) {
  Sequential net(Dropout(0.5), Dropout(0.5));
  const Tensor x = Tensor::full({4, 100}, 1);
  Context context;
  EXPECT_THROWS_WITH(Dropout().forward(context, x), "call initialize(seed)");
  net.initialize(1);
  const auto a = net[0].forward(context, x).to_vector<float>();
  EXPECT_EQ(net[0].forward(context, x).to_vector<float>(), a);
  EXPECT_NE(net[1].forward(context, x).to_vector<float>(), a);
  for (float v : a) EXPECT_TRUE(v == 0 || v == 2);
  context.training = false;
  EXPECT_EQ(net.forward(context, x).to_vector<float>(), x.to_vector<float>());
  EXPECT_THROWS_WITH(Dropout(1.5), "between 0 and 1");
}

}  // namespace lacuna
