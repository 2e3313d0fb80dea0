#pragma once
// How good guesses of classes and of tags are.
#include <cstdint>
#include <string>
#include <vector>

#include "../core/tensor.h"

namespace lacuna {

struct LabelScore {
  double accuracy = 0;
  double f1 = 0;  // of classes: the mean over classes; of tags that mark spans: of spans
};

/// Of trials that differ in nothing but their seed. The deviation is that with n - 1; NaN of a single trial.
LabelScore mean_of(const std::vector<LabelScore>& trials);
LabelScore deviation_of(const std::vector<LabelScore>& trials);

/// Accuracy of scores (m, classes) beside targets (m) i64: 0-d f32, not on the tape; 0 where m is.
Tensor accuracy_of(const Tensor& scores, const Tensor& targets);

/// truth and guess are classes, 0 .. classes - 1, of as many samples. f1 is the mean of 2 right / (guessed + there) over the
/// classes that are in one of the two. Both are 0 where there are no samples.
LabelScore score_classes(const std::vector<std::int64_t>& truth,
                         const std::vector<std::int64_t>& guess, std::int64_t classes);

/// Tags begin .. end - 1 of a sentence, which are one span.
struct Span {
  std::int64_t begin = 0, end = 0;
  std::string type;

  bool operator==(const Span&) const = default;
};

/// Whether some of the tags mark spans: "B-loc", "I-loc".
bool mark_spans(const std::vector<std::string>& names);

/// The spans of one sentence, its tags given as numbers of `names`, as CoNLL's conlleval reads them (Tjong Kim Sang, Buchholz
/// 2000): a span begins at B, and at I after O or after another type, and ends before O, before B and before another type. S
/// is a span of its own, and E the last of one. Everything else stands for O.
std::vector<Span> spans_of(const std::vector<std::int64_t>& tags,
                           const std::vector<std::string>& names);

/// Sentences of tags. accuracy is that of tags; f1 is 2 right / (guessed + there) of spans, of which one is right where it has
/// the right begin, end and type; of tags that mark no spans it is that of score_classes.
LabelScore score_tags(const std::vector<std::vector<std::int64_t>>& truth,
                      const std::vector<std::vector<std::int64_t>>& guess,
                      const std::vector<std::string>& names);

}  // namespace lacuna
