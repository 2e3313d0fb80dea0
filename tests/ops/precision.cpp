// The fused and tiled ops of the devices in every arithmetic, against cpu f64, at sizes that reach each kind of tile:
// whole and partial vectors, the large tiles, k in parts.
#include "../../kernels/precision.h"

#include <gtest/gtest.h>

#include "../../core/ops/attention.h"
#include "../../core/ops/conv2d.h"
#include "../../core/ops/conv_transpose2d.h"
#include "../../core/ops/info_nce.h"
#include "../../core/ops/matmul.h"
#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "../../kernels/backend.h"
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
  check("groups", conv({.padding = 1, .groups = 2}), {{2, 5, 6, 16}, {16, 3, 3, 8}});
  check("dilation", conv({.stride = {2, 1}, .padding = 2, .dilation = {3, 2}}),
        {{2, 9, 8, 8}, {8, 3, 3, 8}});
  check("pixels in parts", conv({.padding = 1}), {{4, 16, 16, 8}, {8, 3, 3, 8}});
  check("transposed",
        [](const Tensors& x) { return conv_transpose2d(x[0], x[1], {}, {.stride = 2}); },
        {{2, 5, 4, 16}, {16, 2, 2, 8}});
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

// 132 tiles of 128 x 128 pixels and channels: too many for the host to compute on emu, where batches stand in for them.
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
