#pragma once
// Which random views of pictures learning sees, in one set of words: SimCLR's task, the linear probe and fine-tuning declare the
// same keys, each with its own defaults. kernels/augment_image.h says what an Augmentation does.
#include "../core/batch.h"
#include "../core/context.h"
#include "../kernels/augment_image.h"
#include "settings.h"

namespace lacuna {

/// The keys, and what they are unless set: for learning from labels crops and mirrors alone, as Chen, Kornblith, Norouzi, Hinton
/// ("A simple framework for contrastive learning of visual representations", ICML 2020, appendix B) evaluate their encoders.
struct ViewKeys {
  double crop = 0.08;  // smallest area of a crop; 0: the whole picture
  std::string interpolation = "bicubic";
  double flip = 0.5;
  double colour =
      0;  // strength s: brightness, contrast, saturation by 0.8 s, hue by 0.2 s, with probability 0.8
  double rotate = 0;                        // degrees
  double grey = 0, blur = 0, solarise = 0;  // probabilities
  double cutout = 0;                        // side of a square that becomes black, in pixels
};

/// Declares SECTION.crop, .interpolation, .flip, .colour, .rotate, .grey, .blur, .solarise and .cutout.
void declare_views(Settings& settings, const std::string& section, const ViewKeys& defaults = {});
/// What they say, for views of `side`; 0: as large as the picture.
Augmentation augmentation_of(const Settings& settings, const std::string& section,
                             std::int64_t side = 0);
/// The same of the defaults.
Augmentation augmentation_of(const ViewKeys& keys, std::int64_t side = 0);

/// Side of the views that a task's encoder is trained on: task.size, where the task has that key; 0: that of its pictures.
std::int64_t side_of_views(const Settings& settings);

/// The central `share` of each picture (N, H, W, C) u8, of its height and of its width, resized to (N, height, width, C) on [0, 1].
Tensor central_view(const Tensor& images, std::int64_t height, std::int64_t width,
                    const double (&share)[2], Interpolation interpolation,
                    Dtype dtype = Dtype::f32);

/// What evaluation shows of pictures (N, H, W, C) u8 to an encoder that was trained on views of `side`: (N, side, side, C) on
/// [0, 1]. The shorter side is resized to side / 0.875 and the centre cut out, as is usual for ImageNet and as SimCLR's authors
/// do; of pictures of 32 pixels and less all of the central square is seen. Pictures that have that size stay as they are, and all
/// do where `side` is 0.
Tensor evaluation_view(const Tensor& images, std::int64_t side, Interpolation interpolation,
                       Dtype dtype = Dtype::f32);

/// Puts a view of each picture in its place, in the pictures' own format, for whoever takes pictures: a pure function of
/// (context.seed, context.epoch, sample). Fails where there is no "image".
void augment(const Context& context, const Augmentation& recipe, Batch& batch);

}  // namespace lacuna
