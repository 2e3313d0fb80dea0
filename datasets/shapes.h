#pragma once
// Built-in data: labelled 32x32 colour scenes whose factors are known. One textured shape with a soft shadow lies on a
// background. A scene is a pure function of (seed, split, index): the same bytes on every machine.
//
//   "image"    (32, 32, 3) u8
//   "label"    () i64         the shape: one of classes()
//   "factors"  (9) f32        see Factor
#include <array>
#include <memory>

#include "../core/batch.h"

namespace lacuna {

enum Factor {
  kShape,          // 0 to 9, the label
  kTexture,        // 0 to 5: plain, stripes, checks, dots, rings, shaded
  kBackground,     // 0 to 5: gradient, horizon, stripes, clouds, glow, checks
  kHue,            // of the shape, in turns: 0 red, 1/3 green, 2/3 blue
  kBackgroundHue,  // at least a quarter turn away
  kX,              // centre, -1 left edge to 1 right edge
  kY,              // centre, -1 top to 1 bottom
  kScale,          // radius of the circle around the shape; 1 is half the image's width
  kRotation,       // in turns, clockwise
  kFactors
};

struct ShapesOptions {
  std::int64_t size = 10000;
  bool train = true;  // train and test draw from different streams
  std::uint64_t seed = 0;
};

std::unique_ptr<Source> make_shapes(const ShapesOptions& options);

}  // namespace lacuna
