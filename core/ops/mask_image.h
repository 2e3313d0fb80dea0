#pragma once
#include "../../kernels/mask_image.h"
#include "../context.h"

namespace lacuna {

struct MaskOptions {
  MaskKind kind = MaskKind::value;
  MaskFill fill = MaskFill::zero;
  double ratio = 0.5;             // share that is hidden
  std::int64_t block = 4;         // side of MaskKind::block, in pixels
  double low = -1, high = 1;      // what the pixel values 0 and 255 become
  double noise = 0;               // standard deviation of Gaussian noise on what stays visible
  std::vector<double> mean = {};  // a channel, on the scale low .. high; for MaskFill::mean
};

struct MaskedImage {
  Tensor target;  // (N, H, W, C): the whole picture on the scale low .. high; f32 beside bf16
  Tensor masked;  // what the network sees, of the dtype asked for
  Tensor hidden;  // (N, H, W, C) u8: 1 where it must fill in
};

/// Hides part of pictures (N, H, W, C) u8. What is hidden of a sample depends on (seed, `stream`, epoch, sample, view)
/// only: kernels/mask_image.h has the kinds. Not differentiable.
MaskedImage mask_image(const Tensor& pixels, const MaskOptions& options, const Context& context,
                       std::string_view stream, Dtype dtype = Dtype::f32);

/// The context's row ids, or samples 0, 1, 2, ... of view 0 where it has none. Fails where their number is not `rows`.
Tensor ids_of(const char* op, const Context& context, std::int64_t rows, Device device);

}  // namespace lacuna
