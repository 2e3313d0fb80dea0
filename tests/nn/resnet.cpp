// ResNets: torchvision's numbers (tests/golden/simclr.py), weights to and fro, initial values.
#include "../../nn/backbones/resnet.h"

#include "../../core/ops/elementwise.h"
#include "../../core/ops/reduce.h"
#include "../../core/tape.h"
#include "../../nn/backbones/registry.h"
#include "../../nn/backbones/torchvision.h"
#include "../../nn/layers/conv_norm.h"
#include "golden.h"
#include "hashed.h"
#include "support.h"

namespace lacuna {
namespace {

Tensor hashed_ramp(const Shape& shape) {
  return Tensor::from(hashed("ramp", shape.numel()), shape);
}

}  // namespace

TEST(resnet, has_torchvisions_parameters) {
  // torchvision's own counts, without the fc and, of the small stem, with 3x3 in place of 7x7.
  const auto count = [](std::int64_t depth, bool imagenet) {
    return ResNet({.depth = depth, .imagenet_stem = imagenet}).parameter_count();
  };
  EXPECT_EQ(count(18, true), 11689512 - 513000);
  EXPECT_EQ(count(34, true), 21797672 - 513000);
  EXPECT_EQ(count(50, true), 25557032 - 2049000);
  EXPECT_EQ(count(18, false), 11689512 - 513000 - 64 * 3 * (49 - 9));
}

TEST(resnet, fifty_layers_are_torchvisions) {
  const Safetensors golden = read_safetensors(LACUNA_GOLDEN_DIR "/simclr.safetensors");
  ResNet net({.depth = 50, .imagenet_stem = true});
  net.initialize(0);
  StateDict theirs = hashed_weights(net);
  theirs["bn1.num_batches_tracked"] = Tensor::scalar(7, Dtype::i64);
  theirs["fc.weight"] = Tensor::zeros({10, 2048});
  ASSERT_TRUE(is_torchvision_resnet(theirs));
  net.load_state_dict(with_prefix(from_torchvision(theirs), "encoder."));
  // Eight values a channel make the last stage's statistics: f32 would lose three digits to them.
  net.to(Dtype::f64);
  Context context;
  const Tensor views = to(hashed_views(2, 64), Dtype::f64), features = net.forward(context, views);
  EXPECT_LE(difference(features, golden.tensors.at("large.features")), 1e-9);
  const Tensor weights = Tensor::from(hashed("weights", features.numel()), features.shape());
  backward(sum(features * to(weights, Dtype::f64)));
  double worst = 0;
  for (const NamedTensor& p : net.parameters()) {
    const double error =
        sampled_difference(p.tensor.grad(), golden.tensors.at("large.grad." + p.name));
    EXPECT_LE(error, 1e-8) << p.name;
    worst = std::max(worst, error);
  }
  context.training = false;
  EXPECT_LE(difference(net.forward(context, views), golden.tensors.at("large.evaluated")), 1e-9);
  std::printf("largest relative difference of a gradient: %.1e\n", worst);
}

TEST(resnet, weights_go_out_as_they_came_in) {
  ResNet net({.depth = 10, .width = 4});
  net.initialize(3);
  StateDict ours;
  insert_with_prefix(ours, "encoder.", net.state_dict());
  const StateDict theirs = to_torchvision(ours, 12);
  EXPECT_EQ(theirs.at("layer2.0.conv1.weight").shape(), (Shape{8, 4, 3, 3}));
  EXPECT_EQ(theirs.at("bn1.num_batches_tracked").item(), 12);
  const StateDict back = from_torchvision(theirs);
  ASSERT_EQ(back.size(), ours.size());
  for (const auto& [name, tensor] : ours)
    EXPECT_EQ(back.at(name).to_vector<float>(), tensor.to_vector<float>()) << name;
  const ResNetOptions o = resnet_options_of(back);
  EXPECT_EQ(o.depth, 10);
  EXPECT_EQ(o.width, 4);
  EXPECT_FALSE(o.imagenet_stem);

  StateDict damaged = theirs;
  damaged.erase("layer3.0.bn2.bias");
  damaged["layer1.0.bn1.weight"] = Tensor::zeros({5});
  EXPECT_THROWS_WITH(from_torchvision(damaged), "encoder.layer3.0.bn2.bias");
  EXPECT_THROWS_WITH(from_torchvision(damaged), "encoder.layer1.0.bn1.weight");
  EXPECT_THROWS_WITH(to_torchvision({}), "no ResNet");
}

TEST(resnet, blocks_start_as_what_goes_in) {
  ResidualBlock block({.in = 4, .width = 4}), other({.in = 4, .width = 4, .zero_last = false});
  block.initialize(1);
  other.initialize(1);
  Context context;
  const Tensor x = abs(hashed_ramp({2, 5, 5, 4}));
  EXPECT_EQ(block.forward(context, x).to_vector<float>(), x.to_vector<float>());
  EXPECT_NE(other.forward(context, x).to_vector<float>(), x.to_vector<float>());
}

TEST(resnet, is_built_again_from_its_architecture) {
  const ResNet net({.depth = 50, .width = 8, .channels = 1, .imagenet_stem = true});
  const auto again = make_backbone(net.architecture());
  EXPECT_EQ(again->architecture(), net.architecture());
  EXPECT_EQ(again->parameter_count(), net.parameter_count());
  EXPECT_THROWS_WITH(ResNet({.depth = 19}), "the depth must be 10, 18, 34 or 50: got 19");
}

// The norm folded into the weight is the norm after the convolution, gradients included.
TEST(conv_norm, is_one_kernel_in_evaluation) {
  Conv2d conv({.in = 3, .out = 5, .kernel = 3, .padding = 1, .bias = false});
  BatchNorm norm({.channels = 5});
  conv.initialize(1, "conv");
  norm.initialize(1, "norm");
  conv.to(Dtype::f64);
  norm.to(Dtype::f64);
  Context context;
  const auto f64 = [](const Tensor& t) { return to(t, Dtype::f64); };
  const Tensor x = f64(hashed_ramp({2, 4, 4, 3})), residual = f64(hashed_ramp({2, 4, 4, 5})),
               weights = f64(hashed_ramp({2, 4, 4, 5})) * 0.5;
  conv_norm(context, conv, norm, x);  // statistics that are not 0 and 1
  context.training = false;
  std::vector<std::vector<double>> results[2];
  for (const bool folded : {true, false}) {
    for (Module* m : {static_cast<Module*>(&conv), static_cast<Module*>(&norm)}) m->zero_grad();
    const Tensor y = folded ? conv_norm(context, conv, norm, x, Epilogue::relu, residual)
                            : relu(norm.forward(context, conv.forward(context, x)) + residual);
    backward(sum(y * weights));
    for (const Tensor& t : {y, conv.weight.grad(), norm.weight.grad(), norm.bias.grad()})
      results[folded].push_back(t.to_vector<double>());
  }
  for (std::size_t i = 0; i < results[0].size(); i++)
    for (std::size_t j = 0; j < results[0][i].size(); j++)
      EXPECT_NEAR(results[1][i][j], results[0][i][j], 1e-12);
}

}  // namespace lacuna
