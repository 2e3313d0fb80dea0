#pragma once
// Bags: several pictures of one case, for positives that are two pictures and not two crops of one (MICLe: Azizi et al., "Big
// self-supervised models advance medical image classification", 2021).
#include <memory>
#include <string>
#include <vector>

#include "../core/batch.h"

namespace lacuna {

/// Which pictures of a Source make a bag, and which bags are one patient's.
struct Bags {
  std::vector<std::vector<std::int64_t>> pictures;  // of each bag, at least one
  std::vector<std::vector<std::int64_t>> patients;  // bags of each patient, at least one
  std::string left_out = {};                        // Source::left_out()
};

/// A sample is a patient, so that no batch has two bags of one. In each epoch it shows one of the patient's bags, by two
/// pictures of it that are not the same (the same one twice where there is no other):
///
///   "image"    (H, W, C) u8   the first; its "label" and what else the pictures' Source has are beside it
///   "partner"  (H, W, C) u8   the second
///
/// Which they are is a pure function of (seed, epoch, patient). Fails where a bag or a patient is empty.
std::unique_ptr<Source> make_bags(std::shared_ptr<const Source> pictures, Bags bags,
                                  std::uint64_t seed = 0);

struct CasesOptions {
  std::int64_t size = 2000;  // patients, of two bags of three pictures each
  bool train = true;         // train and test draw from different streams
  std::uint64_t seed = 0;
  bool pictures = false;  // each picture a sample, for evaluation, instead of each patient
};

/// Built in: patients whose condition is a scene's shape, texture and hue (datasets/shapes.h), which all of a patient's pictures
/// share; where and how large it is, which way up and before what are each picture's own. "label" is the shape, and
/// "factors" are those of `shapes`.
std::unique_ptr<Source> make_cases(const CasesOptions& options);

}  // namespace lacuna
