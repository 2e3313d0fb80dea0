#pragma once
// A set of pictures whose look has shifted, for probes that are not tuned again: what they know must hold elsewhere, too. After
// Hendrycks, Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations", ICLR 2019, with
// the strengths of its authors' code for CIFAR-10. Of a pixel x on [0, 1], cut off to [0, 1] and rounded to one of 256 values at the end:
//
//   noise       x + s z, z normal, one of its own for each value; s = 0.04, 0.06, 0.08, 0.09, 0.10
//   blur        a Gaussian mean of deviation s pixels, edges repeated; s = 0.4, 0.6, 0.7, 0.8, 1
//   contrast    m + s (x - m), m the mean of the picture's channel; s = 0.75, 0.5, 0.4, 0.3, 0.15
//   brightness  x + s (theirs: V of HSV); s = 0.05, 0.10, 0.15, 0.20, 0.30
//
// A picture's noise depends on its index in the source only.
#include <memory>
#include <string>
#include <vector>

#include "../core/batch.h"

namespace lacuna {

struct Corruption {
  std::string kind;  // one of corruption_kinds()
  int severity = 3;  // 1 to 5
};

const std::vector<std::string>& corruption_kinds();

/// "blur" (severity 3) or "blur:5". Whether `text` names a kind at all; Error on one with another severity.
bool parse_corruption(const std::string& text, Corruption& into);

/// (H, W, C) u8 at `pixels`, changed in place.
void corrupt(const Corruption& corruption, std::int64_t sample, std::uint8_t* pixels,
             std::int64_t h, std::int64_t w, std::int64_t c);

/// `source` with its field "image" corrupted, all else as it is. Error where it has none of (H, W, C) u8.
std::unique_ptr<Source> corrupted(std::shared_ptr<const Source> source,
                                  const Corruption& corruption);

}  // namespace lacuna
