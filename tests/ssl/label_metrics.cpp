// Figures of labels and tags against what they are by hand; spans against the rules of conlleval.
#include "../../ssl/label_metrics.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "../../kernels/error.h"

namespace lacuna {
namespace {

const std::vector<std::string> kTags = {"O", "B-loc", "I-loc", "B-per", "I-per"};

std::vector<std::int64_t> numbers(const std::vector<std::string>& tags,
                                  const std::vector<std::string>& names) {
  std::vector<std::int64_t> out;
  for (const auto& tag : tags)
    out.push_back(std::find(names.begin(), names.end(), tag) - names.begin());
  return out;
}

std::vector<Span> spans(const std::vector<std::string>& tags,
                        const std::vector<std::string>& names = kTags) {
  return spans_of(numbers(tags, names), names);
}

using Spans = std::vector<Span>;

}  // namespace

TEST(label_metrics, accuracy_and_macro_f1) {
  // Class 0: 2 right of 3 there and 3 guessed, f1 2/3. Class 1: 1 of 2 and 3, 2/5. Class 2: 1 of 2 and 1, 2/3.
  const LabelScore s = score_classes({0, 0, 0, 1, 1, 2, 2}, {0, 0, 1, 1, 0, 1, 2}, 3);
  EXPECT_DOUBLE_EQ(s.accuracy, 4.0 / 7);
  EXPECT_DOUBLE_EQ(s.f1, (2.0 / 3 + 2.0 / 5 + 2.0 / 3) / 3);
  // A class that is nowhere does not count; one that is only guessed, or only there, counts as 0.
  EXPECT_DOUBLE_EQ(score_classes({0, 0}, {0, 0}, 5).f1, 1);
  EXPECT_DOUBLE_EQ(score_classes({0, 0}, {0, 1}, 5).f1, (2.0 / 3 + 0) / 2);
  EXPECT_EQ(score_classes({}, {}, 2).f1, 0);
  EXPECT_THROW(score_classes({0}, {}, 2), Error);
}

TEST(label_metrics, spans_of_whole_sequences) {
  EXPECT_EQ(spans({"O", "B-loc", "I-loc", "O", "B-per"}), (Spans{{1, 3, "loc"}, {4, 5, "per"}}));
  EXPECT_EQ(spans({"B-loc", "B-loc", "I-loc"}), (Spans{{0, 1, "loc"}, {1, 3, "loc"}}));
  EXPECT_EQ(spans({"O", "O"}), Spans{});
  EXPECT_EQ(spans({}), Spans{});
}

TEST(label_metrics, spans_of_broken_sequences) {
  // I begins a span where there is none of its type.
  EXPECT_EQ(spans({"I-loc", "I-loc"}), (Spans{{0, 2, "loc"}}));
  EXPECT_EQ(spans({"O", "I-per", "O", "I-per"}), (Spans{{1, 2, "per"}, {3, 4, "per"}}));
  EXPECT_EQ(spans({"B-loc", "I-per", "I-loc"}),
            (Spans{{0, 1, "loc"}, {1, 2, "per"}, {2, 3, "loc"}}));
}

TEST(label_metrics, spans_with_ends_and_types_with_dashes) {
  const std::vector<std::string> names = {"O", "B-a-b", "I-a-b", "E-a-b", "S-a-b", "Verb"};
  EXPECT_EQ(spans({"B-a-b", "I-a-b", "E-a-b", "I-a-b"}, names),
            (Spans{{0, 3, "a-b"}, {3, 4, "a-b"}}));
  EXPECT_EQ(spans({"S-a-b", "S-a-b", "Verb", "E-a-b"}, names),
            (Spans{{0, 1, "a-b"}, {1, 2, "a-b"}, {3, 4, "a-b"}}));
  EXPECT_TRUE(mark_spans(names));
  EXPECT_FALSE(mark_spans({"O", "Verb", "X-y"}));
}

TEST(label_metrics, scores_tags_by_exact_spans) {
  const auto n = [](const std::vector<std::string>& tags) { return numbers(tags, kTags); };
  // There: loc 0-2, per 3-4; loc 0-1. Guessed: loc 0-1 (too short), per 3-4; loc 0-1 by a broken I.
  const LabelScore s = score_tags({n({"B-loc", "I-loc", "O", "B-per"}), n({"B-loc", "O"})},
                                  {n({"B-loc", "O", "O", "B-per"}), n({"I-loc", "O"})}, kTags);
  EXPECT_DOUBLE_EQ(s.accuracy, 4.0 / 6);
  EXPECT_DOUBLE_EQ(s.f1, 2.0 * 2 / (3 + 3));
  // A span does not go on into the next sentence.
  EXPECT_DOUBLE_EQ(score_tags({n({"B-loc"}), n({"I-loc"})}, {n({"B-loc"}), n({"B-loc"})}, kTags).f1,
                   1);
  // Nothing there and nothing guessed is 0, as conlleval has it; the right type at the wrong place is wrong.
  EXPECT_EQ(score_tags({n({"O"})}, {n({"O"})}, kTags).f1, 0);
  EXPECT_EQ(score_tags({n({"O", "B-per"})}, {n({"B-per", "O"})}, kTags).f1, 0);
  // Tags without spans have classes' F1.
  EXPECT_DOUBLE_EQ(score_tags({{0, 1}}, {{0, 0}}, {"Noun", "Verb"}).f1, (2.0 / 3) / 2);
  EXPECT_THROW(score_tags({{0, 1}}, {{0}}, kTags), Error);
}

TEST(label_metrics, accuracy_of_scores) {
  const Tensor scores = Tensor::of({1, 2, 0, 5, 1, 0, 0, 0, 3, 1, 0, 0}, {4, 3});
  const Tensor targets = Tensor::from(std::vector<std::int64_t>{1, 0, 1, 0}, {4});
  EXPECT_EQ(accuracy_of(scores, targets).item(), 0.75);
  EXPECT_EQ(accuracy_of(Tensor::zeros({0, 3}), Tensor::zeros({0}, Dtype::i64)).item(), 0);
}

}  // namespace lacuna
