#include "resnet.h"

#include <array>

#include "../../core/ops/pool2d.h"
#include "../layers/conv_norm.h"
#include "registry.h"

namespace lacuna {
namespace {

std::array<std::int64_t, 4> blocks_of(std::int64_t depth) {
  switch (depth) {
    case 10:
      return {1, 1, 1, 1};
    case 18:
      return {2, 2, 2, 2};
    case 34:
    case 50:
      return {3, 4, 6, 3};
  }
  fail("resnet", "the depth must be 10, 18, 34 or 50: got ", depth);
}

// He's normal of the fan out, as torchvision starts.
Conv2d::Options convolution(std::int64_t in, std::int64_t out, std::int64_t kernel,
                            std::int64_t stride) {
  return {.in = in,
          .out = out,
          .kernel = kernel,
          .stride = stride,
          .padding = kernel / 2,
          .bias = false,
          .start = init::kaiming_normal(out * kernel * kernel)};
}

}  // namespace

ResidualBlock::ResidualBlock(const Options& o) {
  const auto add = [&](std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                       bool last) {
    convs.emplace_back(convolution(in, out, kernel, stride));
    norms.emplace_back(
        BatchNorm::Options{.channels = out, .start = last && o.zero_last ? 0.0 : 1.0});
  };
  if (o.bottleneck) {
    add(o.in, o.width, 1, 1, false);
    add(o.width, o.width, 3, o.stride, false);
    add(o.width, o.out(), 1, 1, true);
  } else {
    add(o.in, o.width, 3, o.stride, false);
    add(o.width, o.width, 3, 1, true);
  }
  if (o.stride != 1 || o.in != o.out()) {
    shortcut.emplace_back(convolution(o.in, o.out(), 1, o.stride));
    shortcut_norm.emplace_back(BatchNorm::Options{.channels = o.out()});
  }
}

Tensor ResidualBlock::forward(Context& context, const Tensor& x) {
  Tensor y = x;
  for (std::size_t i = 0; i + 1 < convs.size(); i++)
    y = conv_norm(context, convs[i], norms[i], y, Epilogue::relu);
  const Tensor residual =
      shortcut.empty() ? x : conv_norm(context, shortcut[0], shortcut_norm[0], x);
  return conv_norm(context, convs.back(), norms.back(), y, Epilogue::relu, residual);
}

void ResidualBlock::members(Members& m) {
  for (std::size_t i = 0; i < convs.size(); i++) {
    m.child("conv" + std::to_string(i + 1), convs[i]);
    m.child("bn" + std::to_string(i + 1), norms[i]);
  }
  if (shortcut.empty()) return;
  m.child("downsample.0", shortcut[0]);
  m.child("downsample.1", shortcut_norm[0]);
}

ResNet::ResNet(const ResNetOptions& o)
    : conv1(convolution(o.channels, o.width, o.imagenet_stem ? 7 : 3, o.imagenet_stem ? 2 : 1)),
      bn1({.channels = o.width}),
      options_(o) {
  const auto blocks = blocks_of(o.depth);
  std::int64_t in = o.width;
  for (std::size_t stage = 0; stage < 4; stage++) {
    stages.emplace_back();
    for (std::int64_t i = 0; i < blocks[stage]; i++) {
      const ResidualBlock::Options block{.in = in,
                                         .width = o.width << stage,
                                         .stride = stage > 0 && i == 0 ? 2 : 1,
                                         .bottleneck = o.depth == 50,
                                         .zero_last = o.zero_last};
      stages.back().emplace_back(block);
      in = block.out();
    }
  }
}

Tensor ResNet::forward(Context& context, const Tensor& x) {
  LACUNA_CHECK(x.defined() && x.ndim() == 4 && x.dim(3) == options_.channels, "resnet",
               "needs images (N, H, W, ", options_.channels, "): got ", describe("x", x));
  Tensor y = conv_norm(context, conv1, bn1, x, Epilogue::relu);
  if (options_.imagenet_stem) y = max_pool2d(y, {.kernel = 3, .stride = 2, .padding = 1});
  for (auto& stage : stages)
    for (ResidualBlock& block : stage) y = block.forward(context, y);
  return global_avg_pool(y);
}

void ResNet::members(Members& m) {
  m.child("conv1", conv1);
  m.child("bn1", bn1);
  for (std::size_t stage = 0; stage < stages.size(); stage++)
    for (std::size_t i = 0; i < stages[stage].size(); i++)
      m.child("layer" + std::to_string(stage + 1) + "." + std::to_string(i), stages[stage][i]);
}

std::string ResNet::architecture() const {
  return Architecture{"resnet",
                      {{"depth", static_cast<double>(options_.depth)},
                       {"width", static_cast<double>(options_.width)},
                       {"channels", static_cast<double>(options_.channels)},
                       {"imagenet_stem", options_.imagenet_stem ? 1.0 : 0.0}}}
      .to_json();
}

std::unique_ptr<Module> make_resnet(const Architecture& a) {
  a.check_names({"depth", "width", "channels", "imagenet_stem"});
  return std::make_unique<ResNet>(ResNetOptions{.depth = a.integer("depth"),
                                                .width = a.integer("width"),
                                                .channels = a.integer("channels"),
                                                .imagenet_stem = a.integer("imagenet_stem") != 0});
}

}  // namespace lacuna
