// The fused and tiled ops of the devices in every arithmetic, against cpu f64, at sizes that reach each kind of tile:
// whole and partial vectors, the large tiles, k in parts.
#include "../../kernels/precision.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/attention.h"
#include "../../core/ops/batch_norm.h"
#include "../../core/ops/conv2d.h"
#include "../../core/ops/conv_transpose2d.h"
#include "../../core/ops/info_nce.h"
#include "../../core/ops/matmul.h"
#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "../../kernels/backend.h"
#include "../../kernels/matmul.h"
#include "case.h"

namespace lacuna::test {
namespace {

struct Arithmetic {
  const char* name;
  Dtype dtype;
  Precision precision;
  double tolerance;
};
constexpr Arithmetic kArithmetics[] = {{"f32", Dtype::f32, Precision::f32, 1e-5},
                                       {"tf32", Dtype::f32, Precision::tf32, 2e-3},
                                       {"bf16", Dtype::bf16, Precision::f32, 1.5e-2}};

using Op = std::function<Tensor(const Tensors&)>;

// The result and every gradient.
std::vector<std::vector<double>> evaluate(const Op& op, const std::vector<Shape>& shapes,
                                          Dtype dtype, Device device) {
  Tensors x;
  for (std::size_t i = 0; i < shapes.size(); i++) {
    // Rounded to bf16 first: what is compared is the arithmetic, not the inputs.
    const Tensor value = to(make_input({shapes[i], -1, 1}, i + 1, Dtype::f32), Dtype::bf16);
    x.push_back(to(to(value, dtype), device));
    x.back().requires_grad();
  }
  const Tensor y = op(x);
  const Tensor dy = to(make_input({y.shape(), -1, 1}, 99, Dtype::f32), Dtype::bf16);
  backward(y, to(to(dy, y.dtype()), device));
  std::vector<std::vector<double>> all{y.to_vector<double>()};
  for (const Tensor& t : x) all.push_back(t.grad().to_vector<double>());
  return all;
}

class OnDevice : public testing::TestWithParam<std::tuple<DeviceType, Arithmetic>> {
 protected:
  void check(const char* what, const Op& op, const std::vector<Shape>& shapes) {
    const auto& [type, arithmetic] = GetParam();
    const Backend* backend = find_backend(type);
    if (!backend) GTEST_SKIP() << "not in this build";
    if (backend->device_count() == 0) GTEST_SKIP() << backend->why_absent();
    const auto want = evaluate(op, shapes, Dtype::f64, {});
    set_precision(arithmetic.precision);
    const auto got = evaluate(op, shapes, arithmetic.dtype, {type, 0});
    const auto again = evaluate(op, shapes, arithmetic.dtype, {type, 0});
    set_precision(Precision::f32);
    for (std::size_t i = 0; i < want.size(); i++) {
      EXPECT_LE(relative_error(got[i], want[i]), arithmetic.tolerance)
          << what << (i ? ": gradient " + std::to_string(i - 1) : ": forward");
      EXPECT_EQ(got[i], again[i]) << what << ": not the same bits twice";
    }
  }
};

TEST_P(OnDevice, Products) {
  const Op product = [](const Tensors& x) { return matmul(x[0], x[1]); };
  check("odd", product, {{37, 45}, {45, 29}});
  check("vectors", product, {{72, 40}, {40, 136}});
  check("one tile", product, {{128, 64}, {64, 128}});
  check("k in parts", product, {{24, 1000}, {1000, 16}});
  check("large tiles", product, {{132, 24, 16}, {132, 16, 40}});
  check("rows by columns",
        [](const Tensors& x) { return matmul(x[0], x[1], {.transpose_b = true}); },
        {{40, 72}, {56, 72}});
}

TEST_P(OnDevice, Convolutions) {
  const auto conv = [](Conv2dOptions o) {
    return [o](const Tensors& x) { return conv2d(x[0], x[1], {}, o); };
  };
  check("vectors", conv({.padding = 1}), {{2, 6, 5, 16}, {24, 3, 3, 16}});
  check("stride", conv({.stride = 2, .padding = 1}), {{2, 9, 8, 16}, {16, 3, 3, 16}});
  check("stem", conv({.stride = 2, .padding = 3}), {{2, 12, 12, 3}, {16, 7, 7, 3}});
  check("small stem", conv({.padding = 1}), {{2, 9, 11, 3}, {24, 3, 3, 3}});
  check("one channel", conv({.padding = {2, 0}}), {{3, 9, 8, 1}, {10, 5, 5, 1}});
  check("odd channels, k of many steps", conv({.padding = 2}), {{2, 9, 9, 13}, {20, 5, 5, 13}});
  check("three of six channels", conv({.padding = 1, .dilation = 2, .groups = 2}),
        {{2, 6, 7, 6}, {8, 3, 3, 3}});
  check("groups", conv({.padding = 1, .groups = 2}), {{2, 5, 6, 16}, {16, 3, 3, 8}});
  check("dilation", conv({.stride = {2, 1}, .padding = 2, .dilation = {3, 2}}),
        {{2, 9, 8, 8}, {8, 3, 3, 8}});
  check("depthwise", conv({.padding = 1, .groups = 16}), {{2, 9, 8, 16}, {16, 3, 3, 1}});
  check("depthwise, no vectors", conv({.stride = 2, .padding = 3, .groups = 5}),
        {{2, 9, 12, 5}, {5, 7, 7, 1}});
  check("pixels in parts", conv({.padding = 1}), {{4, 16, 16, 8}, {8, 3, 3, 8}});
  const auto residual = [](const Tensors& x) {
    return conv2d(x[0], x[1], {}, {.padding = 1, .activation = Epilogue::tanh}, x[2]);
  };
  check("residual", residual, {{2, 6, 5, 16}, {24, 3, 3, 16}, {2, 6, 5, 24}});
  check("residual, no vectors", residual, {{2, 6, 5, 16}, {7, 3, 3, 16}, {2, 6, 5, 7}});
  check("residual, k in parts", residual, {{1, 4, 4, 128}, {16, 3, 3, 128}, {1, 4, 4, 16}});
  check("transposed",
        [](const Tensors& x) { return conv_transpose2d(x[0], x[1], {}, {.stride = 2}); },
        {{2, 5, 4, 16}, {16, 2, 2, 8}});
}

// What a convolution says of its result's channels, against the result as it was stored.
TEST_P(OnDevice, Moments) {
  const auto& [type, arithmetic] = GetParam();
  const Backend* backend = find_backend(type);
  if (!backend) GTEST_SKIP() << "not in this build";
  if (backend->device_count() == 0) GTEST_SKIP() << backend->why_absent();
  const auto make = [&, dtype = arithmetic.dtype, device = Device{type, 0}](
                        const Shape& shape, std::uint64_t seed, double low, double high) {
    return to(to(make_input({shape, low, high}, seed, Dtype::f32), dtype), device);
  };
  const auto check_one = [&](const char* what, const Shape& x, const Shape& weight, bool residual,
                             const Conv2dOptions& o) {
    SCOPED_TRACE(what);
    const std::int64_t n = weight[0];
    const Tensor image = make(x, 1, -1, 1), kernel = make(weight, 2, -1, 1),
                 bias = make({n}, 3, 20, 30), shape = conv2d(image, kernel, bias, o);
    const Tensor added = residual ? make(shape.shape(), 4, -2, 2) : Tensor();
    ChannelMoments moments, again;
    const auto y = conv2d(image, kernel, bias, o, added, &moments).to_vector<double>();
    conv2d(image, kernel, bias, o, added, &again);
    const auto mean = moments.mean.to_vector<double>(),
               centred = moments.centred.to_vector<double>();
    EXPECT_EQ(mean, again.mean.to_vector<double>());
    EXPECT_EQ(centred, again.centred.to_vector<double>());
    const double rows = static_cast<double>(y.size()) / static_cast<double>(n);
    for (std::int64_t c = 0; c < n; c++) {
      double sum = 0, squares = 0;
      for (std::size_t i = c; i < y.size(); i += n) sum += y[i];
      for (std::size_t i = c; i < y.size(); i += n)
        squares += (y[i] - sum / rows) * (y[i] - sum / rows);
      EXPECT_NEAR(mean[c], sum / rows, 5e-7 * std::fabs(sum / rows) + 1e-12) << "channel " << c;
      EXPECT_NEAR(centred[c], squares, 1e-5 * squares + 1e-12) << "channel " << c;
    }
  };
  set_precision(arithmetic.precision);
  check_one("one row of tiles", {1, 7, 5, 8}, {16, 3, 3, 8}, false, {.padding = 1});
  check_one("a part of a slab, two columns of tiles", {2, 11, 9, 8}, {72, 1, 1, 8}, true, {});
  check_one("stem", {2, 12, 12, 3}, {10, 3, 3, 3}, false, {.stride = 2, .padding = 1});
  check_one("groups", {2, 9, 9, 16}, {48, 3, 3, 8}, false, {.padding = 1, .groups = 2});
  check_one("depthwise", {2, 9, 9, 8}, {8, 3, 3, 1}, true, {.padding = 1, .groups = 8});
  check_one("k in parts", {1, 4, 4, 128}, {8, 3, 3, 128}, true, {.padding = 1});
  check_one("more tiles than a block joins", {4, 95, 93, 8}, {8, 1, 1, 8}, false,
            {.activation = Epilogue::relu});
  set_precision(Precision::f32);
}

TEST_P(OnDevice, InfoNce) {
  const auto loss = [](InfoNceOptions o) {
    return [o](const Tensors& x) {
      std::vector<std::int64_t> positive;
      for (int i = 0; i < x[0].dim(0); i++) positive.push_back((i * 5 + 1) % x[1].dim(0));
      return info_nce(x[0], x[1], Tensor::from(positive, {x[0].dim(0)}, x[0].device()), o);
    };
  };
  check("odd", loss({.temperature = 1}), {{37, 45}, {70, 45}});
  check("vectors", loss({.temperature = 1}), {{130, 40}, {66, 40}});
  check("several chunks", loss({.temperature = 2}), {{20, 136}, {80, 136}});
  check("own columns", loss({.temperature = 1, .self = 30}), {{50, 24}, {100, 24}});
  check("sharp", loss({.temperature = 0.1}), {{20, 16}, {80, 16}});
}

TEST_P(OnDevice, Attention) {
  const auto attend = [](AttentionOptions o) {
    return [o](const Tensors& x) { return attention(x[0], x[1], x[2], o); };
  };
  check("d=24", attend({}), {{2, 1, 40, 24}, {2, 1, 70, 24}, {2, 1, 70, 24}});
  check("d=64", attend({.causal = true}), {{1, 1, 70, 64}, {1, 1, 70, 64}, {1, 1, 70, 64}});
  check("d=128", attend({.causal = true, .window = 50}),
        {{1, 1, 30, 128}, {1, 1, 70, 128}, {1, 1, 70, 128}});
  check("few queries", attend({.causal = true}),
        {{1, 2, 3, 128}, {1, 2, 300, 128}, {1, 2, 300, 128}});
  check("odd", attend({}), {{1, 1, 7, 33}, {1, 1, 33, 33}, {1, 1, 33, 33}});
  check("heads in rows",
        [](const Tensors& x) {
          const auto part = [&](int i) { return permute(select(x[0], 2, i), {0, 2, 1, 3}); };
          return attention(part(0), part(1), part(2));
        },
        {{1, 30, 3, 2, 16}});
}

// Beside bf16 activations a parameter's gradient is f32 and as exact as f32: nothing on its way is rounded to bf16.
class OnDeviceInBf16 : public testing::TestWithParam<DeviceType> {
 protected:
  Device device_{GetParam(), 0};
  void SetUp() override {
    const Backend* backend = find_backend(GetParam());
    if (!backend) GTEST_SKIP() << "not in this build";
    if (backend->device_count() == 0) GTEST_SKIP() << backend->why_absent();
  }
  // The first tensor is activations, the others are parameters.
  void check(const char* what, const Op& op, const std::vector<Shape>& shapes) {
    const auto gradients = [&](Dtype activations, Device device) {
      Tensors x;
      for (std::size_t i = 0; i < shapes.size(); i++) {
        const Tensor value = to(make_input({shapes[i], -1, 1}, i + 1, Dtype::f32), Dtype::bf16);
        x.push_back(to(to(value, i ? statistics_dtype(activations) : activations), device));
        x.back().requires_grad();
      }
      const Tensor y = op(x);
      const Tensor dy = to(make_input({y.shape(), -1, 1}, 99, Dtype::f32), Dtype::bf16);
      backward(y, to(to(dy, y.dtype()), device));
      std::vector<std::vector<double>> all;
      for (std::size_t i = 1; i < x.size(); i++) {
        EXPECT_EQ(x[i].grad().dtype(), statistics_dtype(activations)) << what;
        all.push_back(x[i].grad().to_vector<double>());
      }
      return all;
    };
    const auto want = gradients(Dtype::f64, {}), got = gradients(Dtype::bf16, device_);
    for (std::size_t i = 0; i < want.size(); i++)
      EXPECT_LE(relative_error(got[i], want[i]), 1e-5) << what << ": parameter " << i;
  }
};

TEST_P(OnDeviceInBf16, GradientsOfParametersAreExact) {
  const Op rows = [](const Tensors& x) { return linear(x[0], x[1], x[2]); };
  check("linear", rows, {{24, 40}, {16, 40}, {16}});
  check("linear, rows in parts", rows, {{1000, 24}, {16, 24}, {16}});
  check("linear, odd", rows, {{5, 7, 9}, {11, 9}, {11}});
  const auto conv = [](Conv2dOptions o) {
    return [o](const Tensors& x) { return conv2d(x[0], x[1], x[2], o); };
  };
  check("conv2d", conv({}), {{2, 5, 5, 8}, {8, 1, 1, 8}, {8}});
  check("conv2d, pixels in parts", conv({.padding = 1}), {{4, 16, 16, 8}, {8, 3, 3, 8}, {8}});
  check("conv2d, groups", conv({.padding = 1, .groups = 2}), {{2, 5, 6, 16}, {16, 3, 3, 8}, {16}});
  check("conv2d, stem", conv({.stride = 2, .padding = 1}), {{2, 9, 8, 3}, {5, 3, 3, 3}, {5}});
  check("conv_transpose2d",
        [](const Tensors& x) { return conv_transpose2d(x[0], x[1], x[2], {.stride = 2}); },
        {{2, 5, 4, 16}, {16, 2, 2, 8}, {8}});
  // Where only the bias is trained.
  check("bias alone", [](const Tensors& x) { return linear(x[0], Tensor(x[0].detach()), x[1]); },
        {{30, 30}, {30}});
}

// A product of bf16 that stays f32, with all that may follow it, into rows that lie apart.
TEST_P(OnDeviceInBf16, ProductsInF32) {
  constexpr std::int64_t kM = 20, kN = 12;
  for (const std::int64_t k : {40, 2000}) {
    const auto multiply = [&](Dtype operands, Device device) {
      const auto value = [&](const Shape& shape, int seed, Dtype dtype) {
        const Tensor t = to(make_input({shape, -1, 1}, seed, Dtype::f32), Dtype::bf16);
        return to(to(t, dtype), device);
      };
      const Dtype result = statistics_dtype(operands);
      const Tensor a = value({kM, k}, 1, operands), b = value({k, kN}, 2, operands),
                   bias = value({kN}, 3, result), wide = value({kM, kN + 5}, 4, result);
      const Tensor c = slice(wide, 1, 0, kN);
      run<&KernelTable::matmul>(
          Matmul{c.array(), a.array(), b.array(), bias.array(), Epilogue::relu, c.array()}, device);
      return wide.to_vector<double>();
    };
    EXPECT_LE(relative_error(multiply(Dtype::bf16, device_), multiply(Dtype::f64, {})), 1e-5) << k;
  }
}

INSTANTIATE_TEST_SUITE_P(Bf16, OnDeviceInBf16, testing::Values(DeviceType::emu, DeviceType::cuda),
                         [](const auto& info) {
                           return std::string(info.param == DeviceType::emu ? "emu" : "cuda");
                         });

// As many tiles of 128 x 128 as an H200 has multiprocessors, from which on tensor cores work on tiles of that size: a batch of
// whole ones, where k is no whole number of steps; and one matrix with edges at both sides, in groups of eight and three rows.
TEST_P(OnDevice, LargeTiles) {
  const auto& [type, arithmetic] = GetParam();
  const Backend* backend = find_backend(type);
  if (!backend) GTEST_SKIP() << "not in this build";
  if (backend->device_count() == 0) GTEST_SKIP() << backend->why_absent();
  if (arithmetic.dtype == Dtype::f32 && arithmetic.precision == Precision::f32)
    GTEST_SKIP() << "without tensor cores tiles have one size";
  struct Product {
    Shape a, b;
    bool bias = false;
  };
  for (const Product& p :
       {Product{{132, 128, 40}, {132, 40, 128}}, Product{{1400, 32}, {32, 1544}, true}}) {
    const auto multiply = [&](Dtype dtype, Device device) {
      const auto value = [&](const Shape& shape, int seed) {
        return to(to(to(make_input({shape, -1, 1}, seed, Dtype::f32), Dtype::bf16), dtype), device);
      };
      const Tensor a = value(p.a, 1), b = value(p.b, 2);
      if (!p.bias) return matmul(a, b).to_vector<double>();
      return linear(a, transpose(b), value({p.b[1]}, 3), {.activation = Epilogue::relu})
          .to_vector<double>();
    };
    const auto want = multiply(Dtype::f64, {});
    set_precision(arithmetic.precision);
    const auto got = multiply(arithmetic.dtype, {type, 0});
    set_precision(Precision::f32);
    EXPECT_LE(relative_error(got, want), arithmetic.tolerance) << p.a.size() << " dimensions";
  }
}

// The same of a convolution's pixels and channels, and of its gradients: too much for the host to compute on emu.
TEST_P(OnDevice, LargeConvolution) {
  if (std::get<0>(GetParam()) == DeviceType::emu) GTEST_SKIP() << "for a device";
  check("large", [](const Tensors& x) { return conv2d(x[0], x[1], {}, {.padding = 1}); },
        {{70, 16, 16, 32}, {128, 3, 3, 32}});
}

std::string name_of_case(const testing::TestParamInfo<OnDevice::ParamType>& info) {
  const bool emu = std::get<0>(info.param) == DeviceType::emu;
  return (emu ? "emu_" : "cuda_") + std::string(std::get<1>(info.param).name);
}

INSTANTIATE_TEST_SUITE_P(Precision, OnDevice,
                         testing::Combine(testing::Values(DeviceType::emu, DeviceType::cuda),
                                          testing::ValuesIn(kArithmetics)),
                         name_of_case);

}  // namespace
}  // namespace lacuna::test
