#pragma once
// Random views of pictures, for contrastive learning: crop and resize, flip, rotate, jitter colours, grey, blur, solarise,
// cut out, in this order. What happens to a view is drawn first, one View a row, and then done in one pass over the pixels.
// The operations are those of torchvision.transforms.v2 on floating point; where they differ from SimCLR's own code (Chen et
// al. 2020, "A simple framework for contrastive learning of visual representations") a comment says so.
#include "array.h"
#include "random.h"

namespace lacuna {

enum class Interpolation : std::uint8_t { bilinear, bicubic };

/// A recipe. `crop` to `cutout` are probabilities, each of its own draw; what is 0 never happens.
struct Augmentation {
  std::int64_t height = 0, width = 0;  // of a view, in pixels; 0: those of the picture

  // A part of the picture, then resized to the view; without it the whole picture is. Its area is uniform between these shares
  // of the picture's, width / height log-uniform; after 100 tries that do not fit, the largest central part of such
  // proportions. Pixel centres are at half integers; where a crop shrinks, the filter is stretched (antialias); the cubic
  // has a = -1/2, and weights beyond the crop's edge are left out, as Pillow does.
  double crop = 0;
  double area[2] = {0.08, 1}, aspect[2] = {3.0 / 4, 4.0 / 3};
  Interpolation interpolation = Interpolation::bicubic;

  double flip = 0;  // left and right

  // About the centre, counter-clockwise, by an angle uniform in -degrees .. degrees; bilinear, 0 outside.
  double rotate = 0;
  double degrees = 45;

  // Brightness, contrast, saturation and hue in random order, each clipped to [0, 1]. Factors are uniform in
  // max(0, 1 - b) .. 1 + b: brightness scales, contrast moves from the view's mean luma (SimCLR: from each channel's),
  // saturation from the pixel's luma (SimCLR: in HSV). Hue turns by uniform -hue .. hue of the circle.
  double jitter = 0;
  double brightness = 0.4, contrast = 0.4, saturation = 0.4, hue = 0.1;

  double grey = 0;  // luma in every channel: 0.2989 R + 0.587 G + 0.114 B

  // Gaussian, sigma uniform, in pixels; the border is mirrored about the outermost pixels (SimCLR: zeros beyond).
  // kernel: odd, in pixels; 0: twice half of a tenth of the view's height, and one (224: 23).
  double blur = 0;
  double sigma[2] = {0.1, 2};
  std::int64_t kernel = 0;

  double solarise = 0;  // values from `threshold` on become 1 - value
  double threshold = 0.5;

  // A square about a pixel drawn uniformly, as far as it is inside of the view (DeVries, Taylor 2017).
  double cutout = 0;
  std::int64_t cutout_size = 8;
  double cutout_fill = 0;
};

/// What happens to one view: a row of 16 f32 numbers, the same bits on every device.
struct View {
  float top, left, height, width;               // the crop, in whole pixels of the picture
  float flip;                                   // 1 or 0
  float angle;                                  // degrees; 0: not rotated
  float order;                                  // 0 to 23: jitter_order() has it; -1: no jitter
  float brightness, contrast, saturation, hue;  // factors; part of the circle
  float grey;                                   // 1 or 0
  float sigma;                                  // 0: not blurred
  float solarise;                               // values from here on; 2: none
  float cut_top, cut_left;                      // of the square; below the view: none
};
inline constexpr std::int64_t kViewNumbers = sizeof(View) / sizeof(float);
static_assert(kViewNumbers == 16);

/// Sides of a Gaussian kernel: at most 2 * kMaxBlurRadius + 1.
inline constexpr std::int64_t kMaxBlurRadius = 63;

/// Draws the views. Row v * N + n is of sample ids[n][0] in view ids[n][1] + v: kernels/augment_image_draw.h has the words.
struct AugmentImageDraw {
  static constexpr const char* op = "augment_image";
  Array views;  // out, (V * N, 16) f32, V a whole number
  Array ids;    // (N, 2) i64: sample and first view
  Augmentation recipe;
  std::int64_t height = 0, width = 0;  // of the pictures
  RandomKey key;
};

/// Does what `views` say; they must fit the pictures. Row v * N + n is made of picture n.
struct AugmentImage {
  static constexpr const char* op = "augment_image";
  Array out;     // out, (V * N, h, w, C) f32, f64 on cpu, or bf16 on cuda and emu: in [0, 1]
  Array images;  // (N, H, W, C) u8, C 1 or 3
  Array views;   // (V * N, 16) f32
  Interpolation interpolation = Interpolation::bicubic;
  bool rotates = false;     // whether a view may have an angle
  std::int64_t radius = 0;  // of blurring; 0: no view is blurred
  std::int64_t cutout_size = 0;
  double cutout_fill = 0;
};

void validate(const AugmentImageDraw&);
void validate(const AugmentImage&);
/// Of the numbers of a recipe.
void validate(const Augmentation&);

/// Of a recipe's kernel, for views of this height.
inline std::int64_t blur_radius(const Augmentation& recipe, std::int64_t height) {
  return recipe.blur <= 0 ? 0 : recipe.kernel > 0 ? recipe.kernel / 2 : height / 10 / 2;
}

}  // namespace lacuna
