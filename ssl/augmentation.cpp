#include "augmentation.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "../core/ops/augment_image.h"
#include "../core/ops/elementwise.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"

namespace lacuna {

void declare_views(Settings& s, const std::string& section, const ViewKeys& defaults) {
  const auto key = [&](const char* name) { return section + "." + name; };
  s.declare(key("crop"), defaults.crop,
            "smallest area of a crop, as a share of the picture; 0: the whole picture", 0, 1);
  s.declare(key("interpolation"), defaults.interpolation, "of resized crops, bilinear or bicubic",
            {"bilinear", "bicubic"});
  s.declare(key("flip"), defaults.flip, "probability that a view is mirrored", 0, 1);
  s.declare(key("colour"), defaults.colour,
            "strength s of the jitter of colours: brightness, contrast and saturation by 0.8 s, "
            "hue by 0.2 s, with probability 0.8",
            0, 2);
  s.declare(key("rotate"), defaults.rotate, "largest angle that a view is turned by, in degrees", 0,
            180);
  s.declare(key("grey"), defaults.grey, "probability that a view is grey", 0, 1);
  s.declare(key("blur"), defaults.blur, "probability that a view is blurred", 0, 1);
  s.declare(key("solarise"), defaults.solarise,
            "probability that a view's values from a half on are inverted", 0, 1);
  s.declare(key("cutout"), defaults.cutout,
            "side of a square of each view that becomes black, about any of its pixels, in whole "
            "pixels (rounded); 0: none",
            0, 4096);
}

Augmentation augmentation_of(const ViewKeys& keys, std::int64_t side) {
  Augmentation recipe;
  recipe.height = recipe.width = side;
  recipe.crop = keys.crop > 0 ? 1 : 0;
  if (keys.crop > 0) recipe.area[0] = keys.crop;
  recipe.interpolation =
      keys.interpolation == "bicubic" ? Interpolation::bicubic : Interpolation::bilinear;
  recipe.flip = keys.flip;
  recipe.jitter = keys.colour > 0 ? 0.8 : 0;
  recipe.brightness = recipe.contrast = recipe.saturation = 0.8 * keys.colour;
  recipe.hue = 0.2 * keys.colour;
  recipe.rotate = keys.rotate > 0 ? 1 : 0;
  recipe.degrees = keys.rotate;
  recipe.grey = keys.grey;
  recipe.blur = keys.blur;
  recipe.solarise = keys.solarise;
  recipe.cutout = keys.cutout >= 0.5 ? 1 : 0;
  if (recipe.cutout > 0) recipe.cutout_size = std::llround(keys.cutout);
  return recipe;
}

Augmentation augmentation_of(const Settings& s, const std::string& section, std::int64_t side) {
  const auto number = [&](const char* name) { return s.number(section + "." + name); };
  const ViewKeys keys{.crop = number("crop"),
                      .interpolation = s.text(section + ".interpolation"),
                      .flip = number("flip"),
                      .colour = number("colour"),
                      .rotate = number("rotate"),
                      .grey = number("grey"),
                      .blur = number("blur"),
                      .solarise = number("solarise"),
                      .cutout = number("cutout")};
  return augmentation_of(keys, side);
}

std::int64_t side_of_views(const Settings& s) {
  return s.has("task.size") ? s.integer("task.size") : 0;
}

Tensor central_view(const Tensor& images, std::int64_t height, std::int64_t width,
                    const double (&share)[2], Interpolation interpolation, Dtype dtype) {
  const auto part = [](std::int64_t side, double of) {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(side) * of));
  };
  const std::int64_t h = part(images.dim(1), share[0]), w = part(images.dim(2), share[1]);
  View view{};
  view.top = static_cast<float>((images.dim(1) - h) / 2);
  view.left = static_cast<float>((images.dim(2) - w) / 2);
  view.height = static_cast<float>(h);
  view.width = static_cast<float>(w);
  view.order = -1;
  view.solarise = 2;
  view.cut_top = static_cast<float>(height);
  view.cut_left = static_cast<float>(width);
  std::vector<float> rows(static_cast<std::size_t>(images.dim(0) * kViewNumbers));
  for (std::int64_t i = 0; i < images.dim(0); i++)
    std::memcpy(rows.data() + i * kViewNumbers, &view, sizeof view);
  return apply_views(images, Tensor::from(rows, {images.dim(0), kViewNumbers}, images.device()),
                     {.height = height, .width = width, .interpolation = interpolation}, dtype);
}

Tensor evaluation_view(const Tensor& images, std::int64_t side, Interpolation interpolation,
                       Dtype dtype) {
  const std::int64_t height = images.dim(1), width = images.dim(2);
  if (side == 0 || (height == side && width == side))
    return to(to(images, Dtype::f32) / 255, dtype);
  const std::int64_t least = std::min(height, width);
  const double seen = (least > 32 ? 0.875 : 1) * static_cast<double>(least);
  return central_view(images, side, side,
                      {seen / static_cast<double>(height), seen / static_cast<double>(width)},
                      interpolation, dtype);
}

void augment(const Context& context, const Augmentation& recipe, Batch& batch) {
  LACUNA_CHECK(batch.has("image"), "augment", "views are made of pictures: the data has none");
  NoGrad guard;
  const Tensor views = augment_image(context, batch["image"], batch.ids, recipe, context.epoch, 1);
  batch.fields["image"] = to(clamp(affine(views, 255, 0.5), 0, 255), Dtype::u8);
}

}  // namespace lacuna
