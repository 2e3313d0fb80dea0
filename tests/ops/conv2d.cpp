#include "../../core/ops/conv2d.h"

#include <gtest/gtest.h>

#include "../../core/ops/batch_norm.h"
#include "../../core/tape.h"
#include "../errors.h"
#include "conv_reference.h"

namespace lacuna::test {

static std::vector<double> reference(const Tensors& x, const Conv2dOptions& o) {
  const Block image(x[0]);
  const Block padded =
      spread(image, 0, o.padding, image.b + 2 * o.padding.h, image.c + 2 * o.padding.w);
  return slide(padded, Block(x[1]), x.size() > 2 ? x[2].to_vector<double>() : std::vector<double>(),
               o.stride, o.dilation, o.groups, o.activation);
}

static Case conv_case(const std::string& name, const Shape& x, const Shape& weight, bool bias,
                      const Conv2dOptions& o) {
  Case c;
  c.name = "conv2d/" + name;
  c.inputs = {{x}, parameter({weight, -1, 1})};
  if (bias) c.inputs.push_back(parameter({{weight[0]}}));
  c.apply = [o](const Tensors& t) { return conv2d(t[0], t[1], t.size() > 2 ? t[2] : Tensor(), o); };
  c.reference = [o](const Tensors& t) { return reference(t, o); };
  return c;
}

static void conv(const std::string& name, const Shape& x, const Shape& weight, bool bias,
                 const Conv2dOptions& o) {
  add(conv_case(name, x, weight, bias, o));
}

// The last input is the residual, shape of y.
static void residual(const std::string& name, const Shape& x, const Shape& weight, bool bias,
                     const Shape& y, const Conv2dOptions& o) {
  Case c = conv_case("residual/" + name, x, weight, bias, o);
  c.inputs.push_back({y});
  c.apply = [o](const Tensors& t) {
    return conv2d(t[0], t[1], t.size() > 3 ? t[2] : Tensor(), o, t.back());
  };
  c.reference = [o](Tensors t) {
    const auto more = t.back().to_vector<double>();
    t.pop_back();
    Conv2dOptions plain = o;
    plain.activation = Epilogue::none;
    auto y = reference(t, plain);
    for (std::size_t i = 0; i < y.size(); i++) y[i] = activated(o.activation, y[i] + more[i]);
    return y;
  };
  add(c);
}

// Batch norm with the moments that the convolution took. A bias far from zero has no share in the result.
static void moments(const std::string& name, const Shape& x, const Shape& weight, double offset,
                    const Conv2dOptions& o) {
  Case c = conv_case("moments/" + name, x, weight, true, o);
  c.inputs[2] = {{weight[0]}, offset, offset + 1};
  c.inputs[2].differentiable = false;
  // What batch norm takes was rounded before; far from zero nothing is left of it.
  c.bf16_tolerance = offset ? 0 : 3 * kRounding;
  c.bf16_gradient_tolerance = 4 * kRounding;
  c.apply = [o](const Tensors& t) {
    ChannelMoments of_y;
    const Tensor y = conv2d(t[0], t[1], t[2], o, {}, &of_y);
    return batch_norm(y, {}, {}, {}, {}, Context(), {}, of_y);
  };
  c.reference = [o](const Tensors& t) {
    auto y = reference(t, o);
    const auto n = static_cast<std::size_t>(t[1].dim(0));
    const double rows = static_cast<double>(y.size() / n);
    for (std::size_t j = 0; j < n; j++) {
      double mean = 0, variance = 0;
      for (std::size_t i = j; i < y.size(); i += n) mean += y[i] / rows;
      for (std::size_t i = j; i < y.size(); i += n)
        variance += (y[i] - mean) * (y[i] - mean) / rows;
      for (std::size_t i = j; i < y.size(); i += n)
        y[i] = (y[i] - mean) / std::sqrt(variance + 1e-5);
    }
    return y;
  };
  c.tolerance = offset ? 1e-4 : 3e-6;  // some ulps of 100, in standard deviations
  c.gradient_tolerance = offset ? 1e-4 : 2e-5;
  add(c);
}

static const Register conv2d_cases([] {
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
  conv("depthwise/vectors", {2, 7, 9, 36}, {36, 3, 3, 1}, true,
       {.padding = 1, .groups = 36, .activation = Epilogue::sigmoid});
  conv("depthwise/stride=2", {2, 9, 8, 8}, {8, 5, 5, 1}, true,
       {.stride = 2, .padding = 2, .groups = 8});
  conv("depthwise/dilation", {1, 11, 9, 4}, {4, 3, 2, 1}, false,
       {.stride = {2, 3}, .padding = {3, 1}, .dilation = {3, 2}, .groups = 4});
  conv("depthwise/kernel=9", {1, 9, 10, 4}, {4, 9, 9, 1}, true, {.padding = 4, .groups = 4});
  conv("depthwise/no_batch", {0, 5, 6, 4}, {4, 3, 3, 1}, true, {.padding = 1, .groups = 4});
  conv("depthwise/several_blocks", {2, 6, 5, 150}, {150, 3, 3, 1}, true,
       {.padding = 1, .groups = 150});
  conv("cifar", {2, 32, 32, 3}, {8, 3, 3, 3}, true, {.padding = 1});
  for (const auto& [name, activation] : {std::pair{"relu", Epilogue::relu},
                                         {"sigmoid", Epilogue::sigmoid},
                                         {"tanh", Epilogue::tanh}}) {
    conv(name, {2, 5, 6, 3}, {4, 3, 3, 3}, true, {.padding = 1, .activation = activation});
    conv(std::string(name) + "/no_bias", {2, 5, 6, 3}, {4, 3, 3, 3}, false,
         {.stride = 2, .activation = activation});
    residual(name, {2, 5, 6, 3}, {4, 3, 3, 3}, true, {2, 5, 6, 4},
             {.padding = 1, .activation = activation});
  }
  residual("none", {2, 5, 6, 3}, {4, 3, 3, 3}, true, {2, 5, 6, 4}, {.padding = 1});
  residual("no_bias", {2, 5, 6, 3}, {5, 3, 3, 3}, false, {2, 2, 2, 5}, {.stride = 2});
  residual("parts", {1, 4, 4, 128}, {8, 3, 3, 128}, true, {1, 4, 4, 8},
           {.padding = 1, .activation = Epilogue::relu});
  residual("depthwise", {2, 5, 6, 4}, {4, 3, 3, 1}, true, {2, 5, 6, 4},
           {.padding = 1, .groups = 4, .activation = Epilogue::tanh});
  residual("groups", {2, 5, 6, 4}, {8, 3, 3, 2}, true, {2, 5, 6, 8}, {.padding = 1, .groups = 2});
  moments("odd", {3, 7, 9, 3}, {5, 3, 3, 3}, 0, {.padding = 1});
  moments("tiles", {2, 17, 16, 4}, {70, 1, 1, 4}, 0, {});
  moments("groups", {2, 9, 9, 6}, {12, 3, 3, 3}, 0, {.padding = 1, .groups = 2});
  moments("depthwise", {2, 9, 9, 6}, {6, 3, 3, 1}, 0, {.padding = 1, .groups = 6});
  moments("parts", {1, 4, 4, 128}, {8, 3, 3, 128}, 0, {.padding = 1});
  moments("offset", {2, 12, 12, 3}, {8, 3, 3, 3}, 100, {.padding = 1});
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

// The gradient before the activation is computed once, and is the residual's.
TEST(Conv2d, ResidualNeedsNothingSaved) {
  const Tensor data = Tensor::zeros({2, 8, 8, 3}), weight = Tensor::zeros({4, 3, 3, 3});
  Tensor shortcut = Tensor::zeros({2, 6, 6, 4});
  shortcut.requires_grad();
  EXPECT_EQ(tape_stats(conv2d(data, weight, {}, {}, shortcut)).saved_bytes, 0);
  const Tensor y = conv2d(data, weight, {}, {.activation = Epilogue::relu}, shortcut);
  EXPECT_EQ(tape_stats(y).saved_bytes, 2 * 6 * 6 * 4 * 4);  // y, for the mask
  EXPECT_EQ(error_of([&] {
              conv2d(data, weight, {}, {}, Tensor::zeros({2, 6, 6, 1}));
            }),
            "[conv2d] arguments must have one shape: got y (2, 6, 6, 4) f32 cpu, residual (2, 6, "
            "6, 1) f32 cpu");
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
