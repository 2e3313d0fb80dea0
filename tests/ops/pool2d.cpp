#include "../../core/ops/pool2d.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/tape.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {

// One channel of one image at a time, tap by tap.
static std::vector<double> reference(const Tensor& x, const Pool2dOptions& o, bool max) {
  const std::int64_t h = x.dim(1), w = x.dim(2), c = x.dim(3);
  const std::int64_t oh =
      (h + 2 * o.padding.h - o.dilation.h * (o.kernel.h - 1) - 1) / o.stride.h + 1;
  const std::int64_t ow =
      (w + 2 * o.padding.w - o.dilation.w * (o.kernel.w - 1) - 1) / o.stride.w + 1;
  const std::vector<double> v = x.to_vector<double>();
  std::vector<double> y;
  for (std::int64_t n = 0; n < x.dim(0); n++)
    for (std::int64_t i = 0; i < oh; i++)
      for (std::int64_t j = 0; j < ow; j++)
        for (std::int64_t k = 0; k < c; k++) {
          double top = -INFINITY, sum = 0, count = 0;
          for (std::int64_t p = 0; p < o.kernel.h; p++)
            for (std::int64_t q = 0; q < o.kernel.w; q++) {
              const std::int64_t row = i * o.stride.h - o.padding.h + p * o.dilation.h;
              const std::int64_t column = j * o.stride.w - o.padding.w + q * o.dilation.w;
              const bool inside = row >= 0 && row < h && column >= 0 && column < w;
              if (inside || o.count_include_pad) count++;
              if (!inside) continue;
              const double value = v[((n * h + row) * w + column) * c + k];
              top = std::fmax(top, value);
              sum += value;
            }
          y.push_back(max ? top : sum / count);
        }
  return y;
}

static void pool(const std::string& name, const Shape& x, const Pool2dOptions& o) {
  for (const bool max : {true, false})
    add({.name = (max ? "max_pool2d/" : "avg_pool2d/") + name,
         .inputs = {{x}},
         .apply =
             [o, max](const Tensors& t) { return max ? max_pool2d(t[0], o) : avg_pool2d(t[0], o); },
         .reference = [o, max](const Tensors& t) { return reference(t[0], o, max); }});
}

static const Register pool2d_cases([] {
  for (int k = 1; k <= 11; k++) {
    pool("kernel=" + std::to_string(k), {2, 12, 11, 3}, {.kernel = k});
    pool("overlapping=" + std::to_string(k), {1, 8, 7, 2},
         {.kernel = k, .stride = 1, .padding = k / 2});
  }
  pool("kernel=3x2", {2, 7, 8, 3}, {.kernel = {3, 2}});
  pool("resnet", {2, 9, 8, 3}, {.kernel = 3, .stride = 2, .padding = 1});
  pool("gaps", {2, 9, 8, 3}, {.kernel = 2, .stride = {3, 4}});
  pool("dilation", {2, 9, 8, 3}, {.kernel = 3, .stride = 2, .padding = 1, .dilation = {2, 3}});
  pool("pad_not_counted", {2, 5, 6, 3},
       {.kernel = 3, .stride = 2, .padding = 1, .count_include_pad = false});
  for (int n : kSizes) {
    const std::string size = std::to_string(n);
    pool("batch=" + size, {n, 4, 4, 2}, {.kernel = 2});
    pool("channels=" + size, {2, 4, 4, n}, {.kernel = 2});
    const auto mean = [](const Tensors& t) { return global_avg_pool(t[0]); };
    add({.name = "global_avg_pool/batch=" + size, .inputs = {{{n, 3, 4, 2}}}, .apply = mean});
    add({.name = "global_avg_pool/channels=" + size, .inputs = {{{2, 3, 4, n}}}, .apply = mean});
    if (n == 0) continue;  // an image without pixels has no windows: RulesNameEverything
    pool("height=" + size, {1, n, 4, 2}, {.kernel = 2, .padding = 1});
    pool("width=" + size, {1, 4, n, 2}, {.kernel = 3, .stride = 2, .padding = 1});
    add({.name = "global_avg_pool/height=" + size,
         .inputs = {{{1, n, 2, 2}}},
         .apply = mean,
         .reference = [n](const Tensors& t) {
           return reference(t[0], {.kernel = {n, 2}}, false);
         }});
  }
});

TEST(MaxPool2d, GradientGoesToTheFirstOfEqualPixels) {
  Tensor x = Tensor::of({5, 5, 1, 5, 5, 5, 2, 2}, {1, 2, 4, 1});
  x.requires_grad();
  const Tensor y = max_pool2d(x, {.kernel = 2});
  backward(y, Tensor::of({3, 7}, {1, 1, 2, 1}));
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{5, 5}));
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{3, 0, 0, 7, 0, 0, 0, 0}));
}

TEST(MaxPool2d, NaNWins) {
  const Tensor x = Tensor::of({1, NAN, 3, 4}, {1, 2, 2, 1});
  EXPECT_TRUE(std::isnan(max_pool2d(x, {.kernel = 2}).item()));
}

TEST(MaxPool2d, SavesIndicesAndNotTheImage) {
  Tensor x = Tensor::zeros({2, 8, 8, 3});
  EXPECT_EQ(tape_stats(max_pool2d(x, {.kernel = 2})).ops, 0);
  x.requires_grad();
  EXPECT_EQ(tape_stats(max_pool2d(x, {.kernel = 2})).saved_bytes, 2 * 4 * 4 * 3 * 4);
  EXPECT_EQ(tape_stats(avg_pool2d(x, {.kernel = 2})).saved_bytes, 0);
}

TEST(Pool2d, RulesNameEverything) {
  const auto text = [](const Shape& x, const Pool2dOptions& o) {
    return error_of([&] { max_pool2d(Tensor::zeros(x), o); });
  };
  EXPECT_EQ(text({8, 8, 3}, {.kernel = 2}),
            "[max_pool2d] x must have four dimensions (n, h, w, channels): got x (8, 8, 3) f32 "
            "cpu");
  EXPECT_EQ(text({1, 8, 8, 3}, {.kernel = 9}),
            "[pool2d] kernel must fit the padded input: got height 8, padding 0, dilation 1 with x "
            "(1, 8, 8, 3) f32 cpu, y (1, 0, 0, 3) f32 cpu, kernel (9, 9)");
  EXPECT_EQ(text({1, 8, 8, 3}, {.kernel = 2, .padding = 2}),
            "[pool2d] padding must be at most half the kernel: got padding (2, 2) with x (1, 8, 8, "
            "3) f32 cpu, y (1, 6, 6, 3) f32 cpu, kernel (2, 2)");
  EXPECT_EQ(text({1, 8, 8, 3}, {.kernel = 2, .stride = 0}),
            "[max_pool2d] stride must be at least 1: got stride (0, 0)");
  EXPECT_EQ(error_of([] {
              global_avg_pool(Tensor::zeros({1, 0, 8, 3}));
            }),
            "[pool2d] kernel must be at least 1 by 1: got x (1, 0, 8, 3) f32 cpu, y (1, 1, 1, 3) "
            "f32 cpu, kernel (0, 8)");
  EXPECT_EQ(error_of([] {
              max_pool2d(Tensor::zeros({1, 4, 4, 3}, Dtype::u8), {.kernel = 2});
            }),
            "[pool2d] floating-point arguments only (f32; f64 on cpu; bf16 on cuda and emu): got x "
            "(1, 4, 4, 3) u8 cpu, y (1, 2, 2, 3) u8 cpu");
}

}  // namespace lacuna::test
