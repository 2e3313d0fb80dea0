#include "augment_image.h"

namespace lacuna {
namespace {

constexpr std::int64_t kLargestSide = 1 << 15;  // pictures are indexed in 32 bits

void check_views(const char* op, const Array& views, std::int64_t samples) {
  LACUNA_CHECK(views.ndim == 2 && views.dim(1) == kViewNumbers && views.dtype == Dtype::f32 &&
                   (samples == 0 ? views.dim(0) == 0 : views.dim(0) % samples == 0),
               op, "views must be (a multiple of ", samples, ", ", kViewNumbers, ") f32: got ",
               describe("views", views));
}

void check_range(const char* name, const double (&range)[2], double least, double most) {
  LACUNA_CHECK(range[0] > least && range[0] <= range[1] && range[1] <= most, AugmentImage::op, name,
               " must be a range within ", least, " .. ", most, ", ", least,
               " itself left out: got ", range[0], " .. ", range[1]);
}

}  // namespace

void validate(const Augmentation& r) {
  const char* const op = AugmentImage::op;
  const struct {
    const char* name;
    double value, most;
  } numbers[] = {{"crop", r.crop, 1},
                 {"flip", r.flip, 1},
                 {"rotate", r.rotate, 1},
                 {"jitter", r.jitter, 1},
                 {"grey", r.grey, 1},
                 {"blur", r.blur, 1},
                 {"solarise", r.solarise, 1},
                 {"cutout", r.cutout, 1},
                 {"degrees", r.degrees, 180},
                 {"brightness", r.brightness, 100},
                 {"contrast", r.contrast, 100},
                 {"saturation", r.saturation, 100},
                 {"hue", r.hue, 0.5},
                 {"threshold", r.threshold, 1},
                 {"cutout_fill", r.cutout_fill, 1}};
  for (const auto& n : numbers)
    LACUNA_CHECK(n.value >= 0 && n.value <= n.most, op, n.name, " must be between 0 and ", n.most,
                 ": got ", n.value);
  check_range("area", r.area, 0, 1);
  check_range("aspect", r.aspect, 0, 100);
  check_range("sigma", r.sigma, 0, 1000);
  LACUNA_CHECK(r.height >= 0 && r.width >= 0 && r.height <= kLargestSide && r.width <= kLargestSide,
               op, "a view has between 1 and ", kLargestSide,
               " pixels a side, or 0 for the picture's: got ", r.height, " x ", r.width);
  LACUNA_CHECK(r.kernel == 0 || (r.kernel > 0 && r.kernel % 2 == 1), op,
               "the blur's kernel must be odd, or 0 for a tenth of the height: got ", r.kernel);
  LACUNA_CHECK(r.cutout_size >= 1 && r.cutout_size <= kLargestSide, op,
               "cutout_size must be at least 1: got ", r.cutout_size);
}

void validate(const AugmentImageDraw& a) {
  check_same_device(a.op, {{"views", a.views}, {"ids", a.ids}});
  check_contiguous(a.op, {{"views", a.views}, {"ids", a.ids}});
  LACUNA_CHECK(a.ids.ndim == 2 && a.ids.dim(1) == 2 && a.ids.dtype == Dtype::i64, a.op,
               "needs a sample id and a view a picture, (N, 2) i64: got ", describe("ids", a.ids));
  check_views(a.op, a.views, a.ids.dim(0));
  LACUNA_CHECK(a.height >= 1 && a.width >= 1 && a.height <= kLargestSide && a.width <= kLargestSide,
               a.op, "a picture has between 1 and ", kLargestSide, " pixels a side: got ", a.height,
               " x ", a.width);
  validate(a.recipe);
}

void validate(const AugmentImage& a) {
  check_same_device(a.op, {{"out", a.out}, {"images", a.images}, {"views", a.views}});
  check_contiguous(a.op, {{"out", a.out}, {"images", a.images}, {"views", a.views}});
  check_float_dtype(a.op, {{"out", a.out}});
  LACUNA_CHECK(a.images.ndim == 4 && a.images.dtype == Dtype::u8 &&
                   (a.images.dim(3) == 1 || a.images.dim(3) == 3),
               a.op, "pictures must be (N, H, W, 1 or 3) u8: got ", describe("images", a.images));
  check_views(a.op, a.views, a.images.dim(0));
  LACUNA_CHECK(a.out.ndim == 4 && a.out.dim(0) == a.views.dim(0) && a.out.dim(3) == a.images.dim(3),
               a.op, "out must be (views, h, w, C): got ", describe("out", a.out), ", ",
               describe("views", a.views), ", ", describe("images", a.images));
  for (const Array* x : {&a.images, &a.out})
    LACUNA_CHECK(x->dim(1) >= 1 && x->dim(2) >= 1 && x->dim(1) <= kLargestSide &&
                     x->dim(2) <= kLargestSide &&
                     x->dim(1) * x->dim(2) * x->dim(3) < (std::int64_t{1} << 31),
                 a.op, "a picture has between 1 and ", kLargestSide,
                 " pixels a side, and fewer than 2^31 values: got ",
                 describe(x == &a.out ? "out" : "images", *x));
  LACUNA_CHECK(a.radius >= 0 && a.radius <= kMaxBlurRadius && a.radius < a.out.dim(1) &&
                   a.radius < a.out.dim(2),
               a.op, "the blur's kernel must be at most ", 2 * kMaxBlurRadius + 1,
               ", and its half smaller than the view: got ", 2 * a.radius + 1, " for ",
               describe("out", a.out));
  LACUNA_CHECK(a.cutout_size >= 0, a.op, "cutout_size must not be negative: got ", a.cutout_size);
}

}  // namespace lacuna
