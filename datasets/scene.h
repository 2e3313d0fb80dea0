#pragma once
// Draws one scene of `shapes`.
#include "../kernels/random.h"
#include "shapes.h"

namespace lacuna {

inline constexpr int kSceneSide = 32;
inline constexpr const char* kShapeNames[] = {"disc", "square", "triangle", "star", "cross",
                                              "ring", "heart",  "crescent", "drop", "arrow"};

/// Scene `index` of the key's stream: `image` receives (32, 32, 3), `factors` kFactors values. With a `thing` of 0 or more the
/// shape, its texture and its hue are those of thing `thing`, and only the rest is the index's own.
void render_scene(RandomKey key, std::int64_t index, std::uint8_t* image, float* factors,
                  std::int64_t thing = -1);

}  // namespace lacuna
