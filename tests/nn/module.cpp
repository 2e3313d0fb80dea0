#include "../../nn/module.h"

#include <gtest/gtest.h>

#include "../../core/ops/reduce.h"
#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "../../nn/backbones/conv_autoencoder.h"
#include "support.h"

namespace lacuna {
namespace {

std::vector<std::string> names(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> out;
  for (const auto& t : tensors) out.push_back(t.name);
  return out;
}

Tensor ramp(const Shape& shape) {
  std::vector<float> v(shape.numel());
  for (std::size_t i = 0; i < v.size(); i++) v[i] = 0.01f * static_cast<float>(i % 97) - 0.5f;
  return Tensor::from(v, shape);
}

class TwoInputs : public Module {};

class Twins : public Module {
 public:
  Tensor a, b;
  void members(Members& m) override {
    m.parameter("same", a, {1}, init::constant(0));
    m.parameter("same", b, {1}, init::constant(0));
  }
};

class WithBuffer : public Module {
 public:
  Tensor weight, mean;
  void members(Members& m) override {
    m.parameter("weight", weight, {2}, init::constant(3));
    m.buffer("mean", mean, {2}, 0.5);
  }
};

}  // namespace

TEST(module, names_order_and_count_are_those_of_the_recipe) {
  ConvAutoencoder model({});
  EXPECT_EQ(model.parameter_count(), 109251);
  model.initialize(1);
  EXPECT_EQ(names(model.parameters()),
            (std::vector<std::string>{"encoder.0.weight", "encoder.0.bias", "encoder.3.weight",
                                      "encoder.3.bias", "decoder.0.weight", "decoder.0.bias",
                                      "decoder.2.weight", "decoder.2.bias"}));
  EXPECT_EQ(model.encoder.path(), "encoder");
  EXPECT_EQ(model.encoder[3].path(), "encoder.3");
  EXPECT_EQ(names(model.encoder.parameters())[0], "0.weight");
  EXPECT_EQ(ConvAutoencoder({.bottleneck = 16}).parameter_count(),
            109251 + 128 * 16 + 16 + 16 * 128 + 128);
}

TEST(module, forward_gives_an_image_and_every_parameter_a_gradient) {
  for (auto output : {ConvAutoencoder::Output::sigmoid, ConvAutoencoder::Output::tanh,
                      ConvAutoencoder::Output::linear}) {
    ConvAutoencoder model({.bottleneck = 4, .output = output});
    model.initialize(1);
    Context context;
    const Tensor y = model.forward(context, ramp({2, 8, 12, 3}));
    EXPECT_EQ(y.shape(), (Shape{2, 8, 12, 3}));
    EXPECT_EQ(model.encoder.forward(context, ramp({2, 8, 12, 3})).shape(), (Shape{2, 2, 3, 4}));
    backward(sum(y));
    for (const auto& [name, tensor] : model.parameters()) {
      ASSERT_TRUE(tensor.grad().defined()) << name;
      EXPECT_EQ(tensor.grad().shape(), tensor.shape()) << name;
    }
    model.zero_grad();
    EXPECT_FALSE(model.parameters()[0].tensor.grad().defined());
    EXPECT_THROWS_WITH(model.forward(context, ramp({1, 6, 8, 3})),
                       "multiples of 4: got x (1, 6, 8, 3)");
  }
}

TEST(module, a_folded_activation_gives_the_same_values_and_gradients) {
  Conv2d alone({.in = 3, .out = 5, .kernel = 3, .padding = 1});
  alone.initialize(7, "0");  // the stream of the first layer of a Sequential
  Sequential fused(Conv2d({.in = 3, .out = 5, .kernel = 3, .padding = 1}), ReLU());
  fused.initialize(7);
  Context context;
  const Tensor x = ramp({2, 5, 6, 3}), a = relu(alone.forward(context, x)),
               b = fused.forward(context, x);
  EXPECT_EQ(a.to_vector<float>(), b.to_vector<float>());
  EXPECT_STREQ(b.node()->op, "conv2d");
  backward(sum(a * a));
  backward(sum(b * b));
  EXPECT_EQ(alone.weight.grad().to_vector<float>(),
            fused.parameters()[0].tensor.grad().to_vector<float>());
}

TEST(module, initial_values_depend_on_seed_and_path_only) {
  ConvAutoencoder a({}), b({}), c({}), d({});
  a.initialize(1);
  b.initialize(1);
  c.initialize(2);
  d.encoder.initialize(1, "encoder");  // a part by itself, under the path it has in the whole
  const auto values = [](Module& m, const char* name) {
    return m.state_dict().at(name).to_vector<float>();
  };
  EXPECT_EQ(values(a, "encoder.3.weight"), values(b, "encoder.3.weight"));
  EXPECT_NE(values(a, "encoder.3.weight"), values(c, "encoder.3.weight"));
  EXPECT_EQ(values(a, "encoder.3.weight"), values(d.encoder, "3.weight"));
  EXPECT_NE(values(a, "encoder.3.weight")[0], values(a, "decoder.0.weight")[0]);
}

TEST(module, state_is_loaded_strictly) {
  ConvAutoencoder a({}), b({});
  EXPECT_THROWS_WITH(a.state_dict(), "call initialize(seed) first");
  a.initialize(1);
  b.initialize(2);
  b.load_state_dict(a.state_dict());
  EXPECT_EQ(a.state_dict().at("decoder.2.bias").to_vector<float>(),
            b.state_dict().at("decoder.2.bias").to_vector<float>());
  EXPECT_NE(a.state_dict().at("decoder.2.bias").storage(),
            b.state_dict().at("decoder.2.bias").storage());

  StateDict wrong = a.state_dict();
  wrong.erase("encoder.0.bias");
  wrong.erase("decoder.2.bias");
  wrong["encoder.9.weight"] = Tensor::zeros({1});
  wrong["encoder.3.bias"] = Tensor::zeros({64});
  wrong["decoder.0.bias"] = Tensor::zeros({64}, Dtype::i32);
  wrong["encoder.0.weight"] = Tensor::zeros({64, 3, 3, 3});
  const auto before = b.state_dict().at("encoder.0.weight").to_vector<float>();
  EXPECT_THROWS_WITH(
      b.load_state_dict(wrong),
      "[load_state_dict] names and shapes must be those of what is loaded into; missing: "
      "encoder.0.bias, decoder.2.bias; unexpected: encoder.9.weight; of another shape or type: "
      "encoder.3.bias (64) f32 cpu instead of (128) f32 cpu, decoder.0.bias (64) i32 cpu instead "
      "of (64) f32 cpu");
  EXPECT_EQ(b.state_dict().at("encoder.0.weight").to_vector<float>(), before);
  for (int i = 0; i < 7; i++) wrong["more." + std::to_string(i)] = Tensor::zeros({1});
  EXPECT_THROWS_WITH(b.load_state_dict(wrong),
                     "; unexpected: encoder.9.weight, more.0, more.1, more.2 and 4 more; of");
}

TEST(module, buffers_are_saved_but_not_learned) {
  WithBuffer m;
  m.initialize(1);
  EXPECT_EQ(names(m.parameters()), (std::vector<std::string>{"weight"}));
  EXPECT_EQ(names(m.buffers()), (std::vector<std::string>{"mean"}));
  EXPECT_EQ(m.state_dict().size(), 2u);
  EXPECT_EQ(m.mean.to_vector<float>(), (std::vector<float>{0.5f, 0.5f}));
  EXPECT_FALSE(m.mean.needs_grad());
  EXPECT_EQ(m.parameter_count(), 2);
}

TEST(module, moves_dtypes_and_freezes) {
  WithBuffer m;
  EXPECT_THROWS_WITH(m.to(Dtype::f64), "call initialize(seed) first");
  m.initialize(1);
  m.to(Dtype::f64);
  EXPECT_EQ(m.weight.dtype(), Dtype::f64);
  EXPECT_EQ(m.mean.dtype(), Dtype::f64);
  EXPECT_TRUE(m.weight.needs_grad());
  m.requires_grad(false);
  EXPECT_FALSE(m.weight.needs_grad());
  m.to(Dtype::f32);
  EXPECT_FALSE(m.weight.needs_grad());
  if (find_backend(DeviceType::emu)) {
    m.to(Device{DeviceType::emu, 0});
    EXPECT_EQ(m.weight.device().type, DeviceType::emu);
    EXPECT_EQ(m.weight.to_vector<float>(), (std::vector<float>{3, 3}));
  }
}

TEST(module, mistakes_are_errors) {
  Context context;
  EXPECT_THROWS_WITH(TwoInputs().forward(context, ramp({1})), "takes other arguments");
  EXPECT_THROWS_WITH(Twins().initialize(1), "two tensors are named \"same\"");
  EXPECT_THROWS_WITH(Conv2d({.in = 3, .out = 4, .kernel = 1, .groups = 2}), "multiples of groups");
  StateDict state{{"a.b", Tensor::zeros({1})}};
  EXPECT_THROWS_WITH(insert_with_prefix(state, "a.", {{"b", Tensor::zeros({1})}}), "\"a.b\"");
}

TEST(module, prefixes) {
  StateDict state;
  insert_with_prefix(state, "model.", {{"a", Tensor::zeros({1})}, {"b.c", Tensor::zeros({2})}});
  insert_with_prefix(state, "modem.", {{"a", Tensor::zeros({3})}});
  const StateDict model = with_prefix(state, "model.");
  ASSERT_EQ(model.size(), 2u);
  EXPECT_EQ(model.at("b.c").numel(), 2);
  EXPECT_TRUE(with_prefix(state, "x").empty());
}

}  // namespace lacuna
