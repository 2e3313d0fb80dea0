#include "mask_image.h"

#include "shape.h"

namespace lacuna {

Tensor ids_of(const char* op, const Context& context, std::int64_t rows, Device device) {
  if (!context.ids.defined()) {
    std::vector<std::int64_t> samples(rows);
    for (std::int64_t i = 0; i < rows; i++) samples[i] = i;
    return row_ids(samples, 1, device);
  }
  LACUNA_CHECK(context.ids.dim(0) == rows, op,
               "the context has ids for another number of rows: got ", describe("ids", context.ids),
               " for ", rows, " rows");
  return to(context.ids, device);
}

MaskedImage mask_image(const Tensor& pixels, const MaskOptions& o, const Context& context,
                       std::string_view stream, Dtype dtype) {
  LACUNA_CHECK(pixels.defined() && pixels.ndim() == 4, "mask_image",
               "pictures must be (N, H, W, C) u8: got ", describe("pixels", pixels));
  const Tensor x = contiguous(pixels), ids = ids_of("mask_image", context, x.dim(0), x.device());
  MaskedImage out{Tensor::empty(x.shape(), statistics_dtype(dtype), x.device()),
                  Tensor::empty(x.shape(), dtype, x.device()),
                  Tensor::empty(x.shape(), Dtype::u8, x.device())};
  const std::string name(stream);
  MaskImage a{.target = out.target.array(),
              .masked = out.masked.array(),
              .hidden = out.hidden.array(),
              .pixels = x.array(),
              .ids = ids.array(),
              .kind = o.kind,
              .fill = o.fill,
              .ratio = o.ratio,
              .block = o.block,
              .scale = (o.high - o.low) / 255,
              .shift = o.low,
              .noise = o.noise,
              .key = context.key(name),
              .fill_key = context.key(name + ".fill"),
              .noise_key = context.key(name + ".noise")};
  if (o.fill == MaskFill::mean) {
    LACUNA_CHECK(static_cast<std::int64_t>(o.mean.size()) == x.dim(3), "mask_image",
                 "mean fill needs one mean a channel: got ", o.mean.size(), " for ",
                 describe("pixels", pixels));
    std::copy(o.mean.begin(), o.mean.end(), a.mean);
  }
  run<&KernelTable::mask_image>(a, x.device());
  return out;
}

}  // namespace lacuna
