// Cases of mask_image: what is hidden is filled, and what is not is the picture. Its laws are in tests/core/mask_image.cpp.
#include "../../core/ops/mask_image.h"

#include <gtest/gtest.h>

#include "../../core/ops/concat.h"
#include "../../core/ops/shape.h"
#include "../../kernels/backend.h"
#include "case.h"

namespace lacuna::test {
namespace {

MaskedImage masked(const Tensor& pixels, MaskKind kind, Dtype dtype) {
  MaskOptions options;
  options.kind = kind;
  return mask_image(pixels, options, Context{}, "test", dtype);
}

void mask_case(const std::string& name, const Shape& shape, MaskKind kind) {
  // The second input says which dtype is under test: pixels are always u8.
  add({.name = "mask_image/" + name,
       .inputs = {{shape, 0, 256, Dtype::u8, false}, {{1}}},
       .apply =
           [kind](const Tensors& x) {
             const MaskedImage m = masked(x[0], kind, x[1].dtype());
             return concat({m.target, to(m.masked, m.target.dtype())});
           },
       .reference =
           [kind](const Tensors& x) {
             const auto hidden = masked(x[0], kind, Dtype::f64).hidden.to_vector<double>();
             std::vector<double> y;
             for (const double pixel : x[0].to_vector<double>()) y.push_back(pixel / 127.5 - 1);
             for (std::size_t i = 0; i < hidden.size(); i++) y.push_back(hidden[i] ? 0 : y[i]);
             return y;
           },
       .gradient = false});
}

const Register mask_image_cases([] {
  mask_case("none", {2, 8, 9, 3}, MaskKind::none);
  mask_case("value", {2, 8, 9, 3}, MaskKind::value);
  mask_case("pixel", {2, 8, 9, 3}, MaskKind::pixel);
  mask_case("block", {2, 8, 9, 3}, MaskKind::block);
  mask_case("centre", {2, 8, 9, 3}, MaskKind::centre);
  mask_case("region", {2, 8, 9, 3}, MaskKind::region);
  for (int n : kSizes) {
    mask_case("batch=" + std::to_string(n), {n, 2, 2, 3}, MaskKind::value);
    if (n > 0) mask_case("width=" + std::to_string(n), {1, 2, n, 3}, MaskKind::value);
  }
});

}  // namespace

class MaskImageOnDevice : public testing::TestWithParam<DeviceType> {};

// What is hidden depends neither on the device nor on the type of what the network sees, which is the same, rounded.
TEST_P(MaskImageOnDevice, hides_the_same_in_bf16) {
  const Backend* backend = find_backend(GetParam());
  if (!backend) GTEST_SKIP() << "not in this build";
  if (backend->device_count() == 0) GTEST_SKIP() << backend->why_absent();
  const Tensor pixels = make_input({{3, 8, 9, 3}, 0, 256, Dtype::u8}, 1, Dtype::f32);
  Context context;
  context.seed = 5;
  for (const MaskKind kind : {MaskKind::value, MaskKind::block, MaskKind::region})
    for (const MaskFill fill : {MaskFill::zero, MaskFill::mean, MaskFill::noise}) {
      const MaskOptions o{.kind = kind, .fill = fill, .mean = {0.1, 0.2, -0.3}};
      const MaskedImage cpu = mask_image(pixels, o, context, "test"),
                        other = mask_image(to(pixels, Device{GetParam()}), o, context, "test",
                                           Dtype::bf16);
      EXPECT_EQ(other.hidden.to_vector<int>(), cpu.hidden.to_vector<int>());
      EXPECT_EQ(other.target.dtype(), Dtype::f32);
      EXPECT_EQ(other.target.to_vector<float>(), cpu.target.to_vector<float>());
      EXPECT_EQ(other.masked.dtype(), Dtype::bf16);
      EXPECT_EQ(other.masked.to_vector<float>(), to(cpu.masked, Dtype::bf16).to_vector<float>());
    }
}

INSTANTIATE_TEST_SUITE_P(mask_image, MaskImageOnDevice,
                         testing::Values(DeviceType::emu, DeviceType::cuda), [](const auto& info) {
                           return std::string(info.param == DeviceType::emu ? "emu" : "cuda");
                         });

}  // namespace lacuna::test
