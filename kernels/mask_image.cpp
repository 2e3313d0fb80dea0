#include "mask_image.h"

namespace lacuna {

void validate(const MaskImage& a) {
  check_same_device(a.op, {{"pixels", a.pixels},
                           {"target", a.target},
                           {"masked", a.masked},
                           {"hidden", a.hidden},
                           {"ids", a.ids}});
  check_same_shape(
      a.op,
      {{"pixels", a.pixels}, {"target", a.target}, {"masked", a.masked}, {"hidden", a.hidden}});
  const bool on_cpu = a.target.device.type == DeviceType::cpu;
  if (on_cpu || a.masked.dtype != Dtype::bf16)
    check_same_dtype(a.op, {{"target", a.target}, {"masked", a.masked}});
  check_f32_dtype(a.op, {{"target", a.target}});
  LACUNA_CHECK(a.hidden.dtype == Dtype::u8, a.op, "hidden must be u8: got ",
               describe("hidden", a.hidden));
  check_contiguous(a.op, {{"pixels", a.pixels},
                          {"target", a.target},
                          {"masked", a.masked},
                          {"hidden", a.hidden},
                          {"ids", a.ids}});
  LACUNA_CHECK(a.pixels.ndim == 4 && a.pixels.dtype == Dtype::u8, a.op,
               "pictures must be (N, H, W, C) u8: got ", describe("pixels", a.pixels));
  LACUNA_CHECK(a.pixels.dim(3) <= 4, a.op, "pictures have at most 4 channels: got ",
               describe("pixels", a.pixels));
  LACUNA_CHECK(a.ids.ndim == 2 && a.ids.dim(0) == a.pixels.dim(0) && a.ids.dim(1) == 2 &&
                   a.ids.dtype == Dtype::i64,
               a.op, "needs a sample id and a view a row, (N, 2) i64: got ", describe("ids", a.ids),
               " for ", describe("pixels", a.pixels));
  LACUNA_CHECK(a.ratio >= 0 && a.ratio <= 1, a.op, "the hidden share must be between 0 and 1: got ",
               a.ratio);
  LACUNA_CHECK(a.block >= 1, a.op, "blocks have at least one pixel: got ", a.block);
  LACUNA_CHECK(a.noise >= 0, a.op, "the noise's standard deviation must not be negative: got ",
               a.noise);
}

}  // namespace lacuna
