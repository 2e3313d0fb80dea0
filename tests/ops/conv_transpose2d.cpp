#include "../../core/ops/conv_transpose2d.h"

#include <gtest/gtest.h>

#include "../errors.h"
#include "conv_reference.h"

namespace lacuna::test {

// Zeros between the pixels and round the image, then a convolution with the kernel turned by half a circle.
static std::vector<double> reference(const Tensors& t, const ConvTranspose2dOptions& o) {
  Block weight(t[1]);  // (ci, kh, kw, co / groups)
  const std::int64_t ci = weight.a / o.groups, co = weight.d;
  Block turned(co * o.groups, weight.b, weight.c, ci);
  for (std::int64_t g = 0; g < o.groups; g++)
    for (std::int64_t i = 0; i < ci; i++)
      for (std::int64_t p = 0; p < weight.b; p++)
        for (std::int64_t q = 0; q < weight.c; q++)
          for (std::int64_t k = 0; k < co; k++)
            turned.at(g * co + k, weight.b - 1 - p, weight.c - 1 - q, i) =
                weight.at(g * ci + i, p, q, k);
  const Block x(t[0]);
  const Pair lead(o.dilation.h * (weight.b - 1) - o.padding.h,
                  o.dilation.w * (weight.c - 1) - o.padding.w);
  const Block wide = spread(x, {o.stride.h - 1, o.stride.w - 1}, lead,
                            (x.b - 1) * o.stride.h + 1 + 2 * lead.h + o.output_padding.h,
                            (x.c - 1) * o.stride.w + 1 + 2 * lead.w + o.output_padding.w);
  return slide(wide, turned, t.size() > 2 ? t[2].to_vector<double>() : std::vector<double>(), 1,
               o.dilation, o.groups, o.activation);
}

static void transposed(const std::string& name, const Shape& x, const Shape& weight, bool bias,
                       const ConvTranspose2dOptions& o) {
  Case c;
  c.name = "conv_transpose2d/" + name;
  c.inputs = {{x}, parameter({weight, -1, 1})};
  if (bias) c.inputs.push_back(parameter({{weight[3] * o.groups}}));
  c.apply = [o](const Tensors& t) {
    return conv_transpose2d(t[0], t[1], t.size() > 2 ? t[2] : Tensor(), o);
  };
  c.reference = [o](const Tensors& t) { return reference(t, o); };
  add(c);
}

static const Register conv_transpose2d_cases([] {
  for (int k = 1; k <= 11; k++)
    transposed("kernel=" + std::to_string(k), {2, 6, 5, 2}, {2, k, k, 3}, true,
               {.padding = (k - 1) / 2});
  transposed("kernel=1x3", {2, 5, 4, 3}, {3, 1, 3, 4}, true, {.stride = 2});
  transposed("kernel=5x2", {2, 4, 5, 3}, {3, 5, 2, 4}, true, {.padding = {2, 0}});
  for (int s = 1; s <= 4; s++)
    for (int extra = 0; extra < s; extra++)
      transposed("stride=" + std::to_string(s) + "/output_padding=" + std::to_string(extra),
                 {2, 3, 4, 3}, {3, 3, 3, 4}, true,
                 {.stride = s, .padding = 1, .output_padding = extra});
  transposed("stride=3x2", {2, 3, 4, 3}, {3, 3, 4, 2}, false,
             {.stride = {3, 2}, .padding = {0, 1}, .output_padding = {2, 0}});
  transposed("stride>kernel", {2, 3, 4, 3}, {3, 2, 1, 2}, true, {.stride = 4});
  for (int p = 0; p <= 3; p++)
    transposed("padding=" + std::to_string(p), {2, 5, 6, 3}, {3, 3, 3, 4}, true, {.padding = p});
  transposed("padding>kernel", {2, 7, 8, 3}, {3, 1, 1, 4}, true, {.padding = 2});
  transposed("dilation=2", {2, 4, 5, 3}, {3, 3, 3, 4}, true, {.padding = 1, .dilation = 2});
  transposed("dilation=3x2", {2, 4, 3, 3}, {3, 3, 3, 2}, true,
             {.stride = 2, .output_padding = {2, 1}, .dilation = {3, 2}});
  transposed("groups=2", {2, 4, 5, 4}, {4, 3, 3, 3}, true,
             {.stride = 2, .padding = 1, .groups = 2});
  transposed("groups=3", {2, 4, 5, 6}, {6, 3, 3, 1}, false, {.groups = 3});
  transposed("depthwise/vectors", {2, 4, 5, 8}, {8, 3, 3, 1}, true,
             {.stride = 2, .padding = 1, .groups = 8, .activation = Epilogue::tanh});
  transposed("depthwise", {2, 4, 5, 5}, {5, 2, 2, 1}, true, {.stride = 2, .groups = 5});
  transposed("double", {2, 16, 16, 4}, {4, 3, 3, 3}, true,
             {.stride = 2, .padding = 1, .output_padding = 1});
  for (const auto& [name, activation] : {std::pair{"relu", Epilogue::relu},
                                         {"sigmoid", Epilogue::sigmoid},
                                         {"tanh", Epilogue::tanh}}) {
    transposed(name, {2, 3, 4, 3}, {3, 2, 2, 4}, true, {.stride = 2, .activation = activation});
    transposed(std::string(name) + "/no_bias", {2, 3, 4, 3}, {3, 3, 3, 4}, false,
               {.stride = 2, .padding = 1, .activation = activation});
  }
  for (int n : kSizes) {
    const std::string size = std::to_string(n);
    transposed("batch=" + size, {n, 2, 2, 2}, {2, 3, 3, 2}, true, {.stride = 2, .padding = 1});
    transposed("in_channels=" + size, {1, 2, 2, n}, {n, 3, 3, 2}, true, {.padding = 1});
    transposed("out_channels=" + size, {1, 2, 2, 2}, {2, 3, 3, n}, true, {.padding = 1});
    if (n == 0) continue;  // an image without pixels is an error: RulesNameEverything
    transposed("height=" + size, {1, n, 2, 2}, {2, 3, 3, 2}, true, {.padding = 1});
    transposed("width=" + size, {1, 2, n, 2}, {2, 2, 2, 2}, true, {.stride = 2});
  }
});

TEST(ConvTranspose2d, RulesNameEverything) {
  const auto text = [](const Shape& x, const Shape& weight, const ConvTranspose2dOptions& o) {
    return error_of([&] { conv_transpose2d(Tensor::zeros(x), Tensor::zeros(weight), {}, o); });
  };
  EXPECT_EQ(text({4, 3}, {3, 2, 2, 4}, {}),
            "[conv_transpose2d] x must have four dimensions (n, h, w, channels): got x (4, 3) f32 "
            "cpu");
  EXPECT_EQ(text({1, 4, 4, 3}, {3, 2, 2}, {}),
            "[conv_transpose2d] weight must have four dimensions (in, kh, kw, out / groups): got "
            "weight (3, 2, 2) f32 cpu");
  EXPECT_EQ(
      text({1, 4, 4, 3}, {5, 2, 2, 4}, {}),
      "[conv_transpose2d] weight's in-channels must equal the input channels: got x (1, 4, 4, "
      "3) f32 cpu, weight (5, 2, 2, 4) f32 cpu, y (1, 5, 5, 4) f32 cpu, groups 1");
  EXPECT_EQ(
      text({1, 4, 4, 3}, {3, 2, 2, 4}, {.stride = 2, .output_padding = 2}),
      "[conv_transpose2d] output padding must be below the stride or the dilation: got height "
      "output padding 2, stride 2, dilation 1 with x (1, 4, 4, 3) f32 cpu, weight (3, 2, 2, "
      "4) f32 cpu, y (1, 10, 10, 4) f32 cpu, groups 1");
  EXPECT_EQ(text({1, 2, 4, 3}, {3, 1, 1, 4}, {.padding = {2, 0}}),
            "[conv_transpose2d] padding must leave at least one output pixel: got height padding 2 "
            "with x (1, 2, 4, 3) f32 cpu, weight (3, 1, 1, 4) f32 cpu, y (1, 0, 4, 4) f32 cpu, "
            "groups 1");
  EXPECT_EQ(text({1, 0, 4, 3}, {3, 2, 2, 4}, {}),
            "[conv_transpose2d] input must have at least one pixel: got x (1, 0, 4, 3) f32 cpu, "
            "weight (3, 2, 2, 4) f32 cpu, y (1, 1, 5, 4) f32 cpu, groups 1");
  EXPECT_EQ(text({1, 4, 4, 3}, {3, 2, 2, 4}, {.groups = 0}),
            "[conv_transpose2d] groups must be at least 1: got x (1, 4, 4, 3) f32 cpu, weight (3, "
            "2, 2, 4) f32 cpu, y (1, 5, 5, 0) f32 cpu, groups 0");
}

}  // namespace lacuna::test
