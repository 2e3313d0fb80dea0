#include "augment_image.h"

#include "shape.h"

namespace lacuna {
namespace {

void check_images(const Tensor& images) {
  LACUNA_CHECK(images.defined() && images.ndim() == 4, "augment_image",
               "pictures must be (N, H, W, 1 or 3) u8: got ", describe("images", images));
}

}  // namespace

Tensor draw_views(const Context& context, const Tensor& ids, std::int64_t height,
                  std::int64_t width, const Augmentation& recipe, std::int64_t epoch, int views) {
  LACUNA_CHECK(views >= 1, "augment_image", "a picture has at least one view: got ", views);
  LACUNA_CHECK(ids.defined() && ids.ndim() == 2, "augment_image",
               "needs a sample id and a view a picture, (N, 2) i64: got ", describe("ids", ids));
  const Tensor rows = contiguous(ids);
  Tensor out = Tensor::empty({ids.dim(0) * views, kViewNumbers}, Dtype::f32, ids.device());
  const RandomKey key =
      RandomKey::of(context.seed, stream_of("augment_image"), static_cast<std::uint64_t>(epoch));
  run<&KernelTable::augment_image_draw>(
      AugmentImageDraw{out.array(), rows.array(), recipe, height, width, key}, ids.device());
  return out;
}

Tensor apply_views(const Tensor& images, const Tensor& views, const Augmentation& recipe,
                   Dtype dtype) {
  check_images(images);
  LACUNA_CHECK(views.defined() && views.ndim() == 2, "augment_image", "views must be (V * N, ",
               kViewNumbers, ") f32: got ", describe("views", views));
  validate(recipe);
  const Tensor x = contiguous(images), rows = contiguous(views);
  const std::int64_t height = recipe.height ? recipe.height : x.dim(1),
                     width = recipe.width ? recipe.width : x.dim(2);
  Tensor out = Tensor::empty({rows.dim(0), height, width, x.dim(3)}, dtype, x.device());
  run<&KernelTable::augment_image>(AugmentImage{.out = out.array(),
                                                .images = x.array(),
                                                .views = rows.array(),
                                                .interpolation = recipe.interpolation,
                                                .rotates = recipe.rotate > 0,
                                                .radius = blur_radius(recipe, height),
                                                .cutout_size = recipe.cutout_size,
                                                .cutout_fill = recipe.cutout_fill},
                                   x.device());
  return out;
}

Tensor augment_image(const Context& context, const Tensor& images, const Tensor& ids,
                     const Augmentation& recipe, std::int64_t epoch, int views, Dtype dtype) {
  check_images(images);
  LACUNA_CHECK(ids.defined() && ids.ndim() == 2 && ids.dim(0) == images.dim(0), "augment_image",
               "needs a sample id and a view a picture, (N, 2) i64: got ", describe("ids", ids),
               " for ", describe("images", images));
  return apply_views(images,
                     draw_views(context, ids, images.dim(1), images.dim(2), recipe, epoch, views),
                     recipe, dtype);
}

Tensor augment_image(const Context& context, const Tensor& images,
                     std::span<const std::int64_t> samples, const Augmentation& recipe,
                     std::int64_t epoch, int views, Dtype dtype) {
  check_images(images);
  const Tensor ids = row_ids({samples.begin(), samples.end()}, 1, images.device());
  return augment_image(context, images, ids, recipe, epoch, views, dtype);
}

Augmentation simclr_augmentation(std::int64_t size, double strength, bool blur) {
  Augmentation r;
  r.height = r.width = size;
  r.crop = 1;
  r.flip = 0.5;
  r.jitter = 0.8;
  r.brightness = r.contrast = r.saturation = 0.8 * strength;
  r.hue = 0.2 * strength;
  r.grey = 0.2;
  r.blur = blur ? 0.5 : 0;
  return r;
}

}  // namespace lacuna
