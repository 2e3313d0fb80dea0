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
/// What they say. Views are as large as the picture.
Augmentation augmentation_of(const Settings& settings, const std::string& section);
/// The same of the defaults.
Augmentation augmentation_of(const ViewKeys& keys);

/// Puts a view of each picture in its place, in the pictures' own format, for whoever takes pictures: a pure function of
/// (context.seed, context.epoch, sample). Fails where there is no "image".
void augment(const Context& context, const Augmentation& recipe, Batch& batch);

}  // namespace lacuna
