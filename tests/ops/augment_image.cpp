// Cases of augment_image: each operation, and all of them, on every backend against cpu f64, which tests/golden holds against
// torchvision. Its draws are in tests/core/augment_image.cpp.
#include "../../core/ops/augment_image.h"

#include <gtest/gtest.h>

#include <cstring>

#include "../../core/ops/shape.h"
#include "../../kernels/backend.h"
#include "case.h"

namespace lacuna::test {
namespace {

const Context kContext{.seed = 12};

Tensor ids_for(const Tensor& images) {
  std::vector<std::int64_t> ids;
  for (std::int64_t n = 0; n < images.dim(0); n++) ids.insert(ids.end(), {n, 0});
  return Tensor::from(ids, {images.dim(0), 2}, images.device());
}

Augmentation everything() {
  Augmentation r = simclr_augmentation(0, 1, true);
  r.jitter = r.blur = r.rotate = r.solarise = r.cutout = 0.7;
  r.kernel = 5;
  r.cutout_size = 3;
  return r;
}

void augment_case(const std::string& name, const Shape& shape, const Augmentation& recipe) {
  // The second input says which dtype is under test: pictures are always u8. A rotation's positions are numbers up to the
  // size of the view, rounded to f32, times the difference between two pixels of noise.
  const auto size =
      static_cast<double>(std::max({recipe.height, recipe.width, shape[1], shape[2]}));
  add({.name = "augment_image/" + name,
       .inputs = {{shape, 0, 256, Dtype::u8, false}, {{1}}},
       .apply =
           [recipe](const Tensors& x) {
             return augment_image(kContext, x[0], ids_for(x[0]), recipe, 3, 2, x[1].dtype());
           },
       .tolerance = recipe.rotate > 0 ? 3e-6 + 0x1p-22 * size : 3e-6,
       .gradient = false});
}

const Register augment_image_cases([] {
  augment_case("whole", {3, 8, 9, 3}, {});
  augment_case("whole/one_channel", {3, 8, 9, 1}, {});
  for (const Interpolation i : {Interpolation::bilinear, Interpolation::bicubic}) {
    const std::string name = i == Interpolation::bilinear ? "bilinear" : "bicubic";
    Augmentation r{.height = 11, .width = 10, .crop = 1, .interpolation = i};
    augment_case(name + "/larger", {4, 8, 9, 3}, r);
    augment_case(name + "/smaller", {4, 40, 37, 3}, r);
    augment_case(name + "/one_channel", {4, 12, 13, 1}, r);
    for (const int n : kSizes) {
      if (n == 0) continue;
      augment_case(name + "/width=" + std::to_string(n), {1, 3, n, 3}, r);
      r.width = n;
      augment_case(name + "/views_width=" + std::to_string(n), {1, 6, 17, 3}, r);
      r.width = 10;
    }
  }
  augment_case("flip", {4, 5, 7, 3}, {.flip = 0.5});
  augment_case("rotate", {4, 15, 18, 3}, {.rotate = 1, .degrees = 180});
  augment_case("jitter", {9, 7, 9, 3},
               {.jitter = 0.9, .brightness = 0.8, .contrast = 0.8, .saturation = 0.8, .hue = 0.5});
  augment_case("jitter/more_than_a_piece", {2, 40, 37, 3}, {.jitter = 1});
  augment_case("jitter/one_channel", {4, 7, 9, 1}, {.jitter = 1, .hue = 0.5});
  augment_case("grey", {4, 5, 7, 3}, {.grey = 0.5});
  augment_case("blur", {4, 9, 18, 3}, {.blur = 0.7, .kernel = 5});
  augment_case("blur/a_tenth", {2, 61, 40, 3}, {.blur = 1});
  augment_case("blur/one_channel", {4, 9, 18, 1}, {.blur = 1, .kernel = 17});
  augment_case("solarise", {4, 5, 7, 3}, {.solarise = 0.5});
  augment_case("cutout", {6, 9, 7, 3}, {.cutout = 0.7, .cutout_size = 5, .cutout_fill = 0.5});
  augment_case("everything", {8, 17, 19, 3}, everything());
  augment_case("everything/one_channel", {8, 17, 19, 1}, everything());
  Augmentation small = everything();
  small.height = small.width = 5;
  for (const int n : kSizes) augment_case("batch=" + std::to_string(n), {n, 2, 3, 3}, small);
});

}  // namespace

TEST(augment_image, draws_the_same_bits_on_every_device) {
  std::vector<std::int64_t> ids;
  for (std::int64_t n = 0; n < 500; n++) ids.insert(ids.end(), {n * 7919, n % 3});
  for (const std::int64_t width : {32, 500}) {
    const auto drawn = [&](Device device) {
      const Tensor views = draw_views({.seed = 9}, Tensor::from(ids, {500, 2}, device), 375, width,
                                      everything(), 4, 3);
      return to(views, Device{}).to_vector<float>();
    };
    const auto cpu = drawn({});
    for (const DeviceType type : {DeviceType::emu, DeviceType::cuda})
      if (const Backend* backend = find_backend(type); backend && backend->device_count() > 0) {
        const auto device = drawn({type, 0});
        ASSERT_EQ(device.size(), cpu.size());
        EXPECT_EQ(std::memcmp(device.data(), cpu.data(), cpu.size() * sizeof(float)), 0)
            << backend->name;
      }
  }
}

}  // namespace lacuna::test
