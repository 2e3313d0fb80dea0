#pragma once
// Draws one scene of `shapes`.
#include "../kernels/random.h"
#include "shapes.h"

namespace lacuna {

inline constexpr int kSceneSide = 32;
inline constexpr const char* kShapeNames[] = {"disc", "square", "triangle", "star", "cross",
                                              "ring", "heart",  "crescent", "drop", "arrow"};

/// Scene `index` of the key's stream: `image` receives (32, 32, 3), `factors` kFactors values.
void render_scene(RandomKey key, std::int64_t index, std::uint8_t* image, float* factors);

}  // namespace lacuna
