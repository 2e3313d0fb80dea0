// Each augmentation against torchvision in f64 (augment.safetensors, written by augment.py). Its results were rounded to f32,
// which is 6e-8; in f32 some twenty operations are, on numbers up to 1, and on 2 to 3 in the sum of a cubic's weights. Its
// hue is always in f32. A rotation's positions are up to 25 pixels, so that they are off by up to 3e-6 of one, and a pixel
// can be 1 brighter than the next.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "../../core/ops/augment_image.h"
#include "../../core/ops/shape.h"
#include "../../core/safetensors.h"
#include "../../kernels/backend.h"

namespace lacuna::test {
namespace {

void expect_views(const Safetensors& file, const std::string& name, Dtype dtype, Device device,
                  double tolerance) {
  const auto& images = file.tensors.at(name + ".images");
  const Tensor views = file.tensors.at(name + ".views"), want = file.tensors.at(name + ".out");
  const auto options = file.tensors.at(name + ".options").to_vector<double>();
  Augmentation recipe;
  recipe.height = want.dim(1);
  recipe.width = want.dim(2);
  recipe.interpolation = options[0] == 0 ? Interpolation::bilinear : Interpolation::bicubic;
  recipe.rotate = recipe.blur = 1;
  recipe.kernel = static_cast<std::int64_t>(options[1]);
  recipe.cutout_size = static_cast<std::int64_t>(options[2]);
  recipe.cutout_fill = options[3];
  const Tensor got = apply_views(to(images, device), to(views, device), recipe, dtype);
  ASSERT_EQ(got.shape(), want.shape());
  const auto a = got.to_vector<double>(), b = want.to_vector<double>();
  double worst = 0;
  for (std::size_t i = 0; i < b.size(); i++) {
    ASSERT_TRUE(std::isfinite(a[i]));
    worst = std::fmax(worst, std::fabs(a[i] - b[i]));
  }
  EXPECT_LE(worst, tolerance);
}

}  // namespace

TEST(golden_augment, every_operation) {
  const Safetensors file = read_safetensors(LACUNA_GOLDEN_DIR "/augment.safetensors");
  std::set<std::string> names;
  for (const auto& [key, tensor] : file.tensors) names.insert(key.substr(0, key.find('.')));
  EXPECT_EQ(names.size(), 17u);
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const bool turned = name == "rotate" || name == "all" || name == "one_channel";
    const auto orders = slice(file.tensors.at(name + ".views"), 1, 6, 7).to_vector<float>();
    const bool hue = *std::max_element(orders.begin(), orders.end()) >= 0;
    const double tolerance = turned ? 1e-5 : hue ? 2e-6 : 1e-6;
    expect_views(file, name, Dtype::f64, {}, hue ? 1.5e-6 : 1e-7);
    expect_views(file, name, Dtype::f32, {}, tolerance);
    for (const DeviceType type : {DeviceType::emu, DeviceType::cuda})
      if (const Backend* backend = find_backend(type); backend && backend->device_count() > 0)
        expect_views(file, name, Dtype::f32, {type, 0}, tolerance);
  }
}

}  // namespace lacuna::test
