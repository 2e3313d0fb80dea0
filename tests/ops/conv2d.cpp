#include "../../core/ops/conv2d.h"

#include <gtest/gtest.h>

#include "../../core/tape.h"
#include "conv_reference.h"
#include "errors.h"

namespace lacuna::test {

static std::vector<double> reference(const Tensors& x, const Conv2dOptions& o) {
  const Block image(x[0]);
  const Block padded =
      spread(image, 0, o.padding, image.b + 2 * o.padding.h, image.c + 2 * o.padding.w);
  return slide(padded, Block(x[1]), x.size() > 2 ? x[2].to_vector<double>() : std::vector<double>(),
               o.stride, o.dilation, o.groups, o.activation);
}

static void conv(const std::string& name, const Shape& x, const Shape& weight, bool bias,
                 const Conv2dOptions& o) {
  Case c;
  c.name = "conv2d/" + name;
  c.inputs = {{x}, parameter({weight, -1, 1})};
  if (bias) c.inputs.push_back(parameter({{weight[0]}}));
  c.apply = [o](const Tensors& t) { return conv2d(t[0], t[1], t.size() > 2 ? t[2] : Tensor(), o); };
  c.reference = [o](const Tensors& t) { return reference(t, o); };
  add(c);
}

static const Register cases([] {
  for (int k = 1; k <= 11; k++)
    conv("kernel=" + std::to_string(k), {2, 7, 6, 2}, {3, k, k, 2}, true, {.padding = k / 2});
  conv("kernel=1x3", {2, 5, 6, 3}, {4, 1, 3, 3}, true, {.padding = {0, 1}});
  conv("kernel=5x2", {2, 6, 5, 3}, {4, 5, 2, 3}, true, {.padding = {2, 0}});
  conv("kernel=image", {2, 4, 5, 3}, {6, 4, 5, 3}, true, {});
  for (int s = 1; s <= 4; s++)
    conv("stride=" + std::to_string(s), {2, 9, 10, 3}, {4, 3, 3, 3}, true,
         {.stride = s, .padding = 1});
  conv("stride=2x3", {2, 9, 10, 3}, {4, 3, 3, 3}, false, {.stride = {2, 3}, .padding = {1, 0}});
  conv("stride=4/kernel=11", {1, 17, 19, 3}, {2, 11, 11, 3}, true, {.stride = 4, .padding = 2});
  conv("stride>kernel", {2, 9, 10, 3}, {4, 1, 1, 3}, true, {.stride = 3});
  for (int p = 0; p <= 4; p++)
    conv("padding=" + std::to_string(p), {2, 5, 4, 3}, {4, 3, 3, 3}, true, {.padding = p});
  conv("dilation=2", {2, 9, 8, 3}, {4, 3, 3, 3}, true, {.padding = 2, .dilation = 2});
  conv("dilation=3x2", {2, 9, 8, 3}, {4, 3, 3, 3}, false, {.stride = 2, .dilation = {3, 2}});
  conv("groups=2", {2, 5, 6, 4}, {6, 3, 3, 2}, true, {.padding = 1, .groups = 2});
  conv("groups=3/stride=2", {2, 5, 6, 6}, {3, 3, 3, 2}, true,
       {.stride = 2, .padding = 1, .groups = 3});
  conv("depthwise", {2, 5, 6, 5}, {5, 3, 3, 1}, true, {.padding = 1, .groups = 5});
  conv("depthwise_x2", {2, 5, 6, 3}, {6, 3, 3, 1}, true, {.padding = 1, .groups = 3});
  conv("cifar", {2, 32, 32, 3}, {8, 3, 3, 3}, true, {.padding = 1});
  for (const auto& [name, activation] : {std::pair{"relu", Epilogue::relu},
                                         {"sigmoid", Epilogue::sigmoid},
                                         {"tanh", Epilogue::tanh}}) {
    conv(name, {2, 5, 6, 3}, {4, 3, 3, 3}, true, {.padding = 1, .activation = activation});
    conv(std::string(name) + "/no_bias", {2, 5, 6, 3}, {4, 3, 3, 3}, false,
         {.stride = 2, .activation = activation});
  }
  for (int n : kSizes) {
    const std::string size = std::to_string(n);
    conv("batch=" + size, {n, 3, 3, 2}, {2, 3, 3, 2}, true, {.padding = 1});
    conv("in_channels=" + size, {1, 3, 3, n}, {2, 3, 3, n}, true, {.padding = 1});
    conv("out_channels=" + size, {1, 3, 3, 2}, {n, 3, 3, 2}, true, {.padding = 1});
    if (n == 0) continue;  // an image without pixels has no windows: RulesNameEverything
    conv("height=" + size, {1, n, 3, 2}, {2, 3, 3, 2}, true, {.padding = 1});
    conv("width=" + size, {1, 3, n, 2}, {2, 3, 3, 2}, true, {.stride = 2, .padding = 1});
  }
});

TEST(Conv2d, RulesNameEverything) {
  const auto text = [](const Shape& x, const Shape& weight, const Tensor& bias,
                       const Conv2dOptions& o) {
    return error_of([&] { conv2d(Tensor::zeros(x), Tensor::zeros(weight), bias, o); });
  };
  EXPECT_EQ(text({8, 8, 3}, {4, 3, 3, 3}, {}, {}),
            "[conv2d] x must have four dimensions (n, h, w, channels): got x (8, 8, 3) f32 cpu");
  EXPECT_EQ(text({2, 8, 8, 3}, {3, 3, 3}, {}, {}),
            "[conv2d] weight must have four dimensions (out, kh, kw, in / groups): got weight "
            "(3, 3, 3) f32 cpu");
  EXPECT_EQ(text({2, 8, 8, 3}, {4, 3, 3, 5}, {}, {}),
            "[conv2d] weight's in-channels must equal input channels / groups: got x (2, 8, 8, 3) "
            "f32 cpu, weight (4, 3, 3, 5) f32 cpu, y (2, 6, 6, 4) f32 cpu, groups 1");
  EXPECT_EQ(text({2, 8, 8, 4}, {4, 3, 3, 1}, {}, {.groups = 3}),
            "[conv2d] groups must divide the input channels: got x (2, 8, 8, 4) f32 cpu, weight "
            "(4, 3, 3, 1) f32 cpu, y (2, 6, 6, 4) f32 cpu, groups 3");
  EXPECT_EQ(
      text({2, 0, 8, 3}, {4, 3, 3, 3}, {}, {.padding = 1}),
      "[conv2d] kernel must fit the padded input: got height 0, padding 1, kernel 3, dilation "
      "1 with x (2, 0, 8, 3) f32 cpu, weight (4, 3, 3, 3) f32 cpu, y (2, 0, 8, 4) f32 cpu, "
      "groups 1");
  EXPECT_EQ(text({2, 8, 8, 3}, {4, 3, 3, 3}, {}, {.stride = {0, 1}}),
            "[conv2d] stride must be at least 1: got stride (0, 1)");
  EXPECT_EQ(text({2, 8, 8, 3}, {4, 3, 3, 3}, {}, {.padding = -1}),
            "[conv2d] padding must be at least 0: got padding (-1, -1)");
  EXPECT_EQ(text({2, 8, 8, 3}, {4, 3, 3, 3}, {}, {.dilation = 0}),
            "[conv2d] dilation must be at least 1: got dilation (0, 0)");
  EXPECT_EQ(text({2, 8, 8, 3}, {4, 3, 3, 3}, Tensor::zeros({5}), {}),
            "[conv2d] bias must have one element an output channel: got x (2, 8, 8, 3) f32 cpu, "
            "weight (4, 3, 3, 3) f32 cpu, bias (5) f32 cpu, y (2, 6, 6, 4) f32 cpu, groups 1");
  EXPECT_EQ(error_of([] {
              conv2d(Tensor::zeros({2, 8, 8, 3}), Tensor::zeros({4, 3, 3, 3}, Dtype::f64));
            }),
            "[conv2d] arguments must have one dtype: got x (2, 8, 8, 3) f32 cpu, weight (4, 3, 3, "
            "3) f64 cpu, y (2, 6, 6, 4) f32 cpu");
  EXPECT_EQ(error_of([] {
              conv2d(Tensor(), Tensor::zeros({4, 3, 3, 3}));
            }),
            "[conv2d] x must have four dimensions (n, h, w, channels): got x undefined");
}

TEST(Conv2d, SavesOnlyWhatGradientsNeed) {
  const Tensor data = Tensor::zeros({2, 8, 8, 3});
  Tensor weight = Tensor::zeros({4, 3, 3, 3}), bias = Tensor::zeros({4});
  bias.requires_grad();
  EXPECT_EQ(tape_stats(conv2d(data, weight, bias)).saved_bytes, 0);
  weight.requires_grad();  // x, for dweight; the weight itself is of use to dx alone
  EXPECT_EQ(tape_stats(conv2d(data, weight, bias)).saved_bytes, 2 * 8 * 8 * 3 * 4);
}

// A frozen weight: the bias alone has a gradient, and it is the one that comes with the weight's.
TEST(Conv2d, BiasAlone) {
  const Tensor x = make_input({{2, 5, 6, 3}}, 1, Dtype::f32);
  Tensor weight = make_input({{4, 3, 3, 3}}, 2, Dtype::f32),
         bias = make_input({{4}}, 3, Dtype::f32);
  std::vector<double> gradient[2];
  for (const bool frozen : {false, true}) {
    weight.requires_grad(!frozen);
    bias.set_node(nullptr);
    bias.requires_grad();
    const Tensor y = conv2d(x, weight, bias, {.activation = Epilogue::relu});
    backward(y, make_input({y.shape()}, 4, Dtype::f32));
    gradient[frozen] = bias.grad().to_vector<double>();
  }
  EXPECT_LE(relative_error(gradient[1], gradient[0]), 1e-6);
}

}  // namespace lacuna::test
