#include <lacuna/kernels/augment_image.h>

#include <memory>

#include "bench.h"
#include "operand.h"

namespace lacuna::bench {
namespace {

struct Recipe {
  const char* name;
  std::int64_t n, height, width, size;
  double strength, blur;
};

// SimCLR's, with and without blur: draws and the pass over the pixels.
std::function<void()> views_of(const Recipe& r) {
  struct Data {
    Operand views, ids, out, images;
    AugmentImageDraw draw;
    AugmentImage apply;
  };
  auto d = std::make_shared<Data>();
  d->draw.views = d->views.make({2 * r.n, kViewNumbers});
  d->draw.ids = d->ids.make({r.n, 2}, Dtype::i64);
  for (std::int64_t i = 0; i < r.n; i++) {
    d->draw.ids.as<std::int64_t>()[2 * i] = i;
    d->draw.ids.as<std::int64_t>()[2 * i + 1] = 0;
  }
  d->draw.recipe = {.height = r.size,
                    .width = r.size,
                    .crop = 1,
                    .flip = 0.5,
                    .jitter = 0.8,
                    .brightness = 0.8 * r.strength,
                    .contrast = 0.8 * r.strength,
                    .saturation = 0.8 * r.strength,
                    .hue = 0.2 * r.strength,
                    .grey = 0.2,
                    .blur = r.blur};
  d->draw.height = r.height;
  d->draw.width = r.width;
  d->apply.out = d->out.make({2 * r.n, r.size, r.size, 3});
  d->apply.images = d->images.make({r.n, r.height, r.width, 3}, Dtype::u8);
  for (std::int64_t i = 0; i < d->apply.images.size(); i++)
    d->apply.images.as<std::uint8_t>()[i] =
        static_cast<std::uint8_t>(mix64(static_cast<std::uint64_t>(i)) >> 56);
  d->apply.views = d->draw.views;
  d->apply.radius = blur_radius(d->draw.recipe, r.size);
  return [d] {
    run<&KernelTable::augment_image_draw>(d->draw, {});
    run<&KernelTable::augment_image>(d->apply, {});
  };
}

}  // namespace

void add_augment() {
  const Recipe recipes[] = {{"cifar", 256, 32, 32, 32, 0.5, 0},
                            {"imagenet_no_blur", 16, 375, 500, 224, 1, 0},
                            {"imagenet", 16, 375, 500, 224, 1, 0.5}};
  for (const Recipe& r : recipes) {
    // A crop is about half of a picture's area.
    const double bytes =
        static_cast<double>(2 * r.n) * 3 *
        (0.5 * static_cast<double>(r.height * r.width) + 4 * static_cast<double>(r.size * r.size));
    add("augment/" + std::string(r.name) + "/2x" + std::to_string(r.n), "lacuna", {0, bytes},
        [r] { return views_of(r); });
  }
}

}  // namespace lacuna::bench
