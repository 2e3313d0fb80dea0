#include <set>

#include "text.h"

namespace lacuna::test {
namespace {

TextView windows(std::int64_t length) {
  TextView view;
  view.kind = TextView::Kind::windows;
  view.length = length;
  return view;
}

std::unique_ptr<Source> cut(const Corpus& corpus, const TextView& view) {
  return cut_text(std::make_shared<Corpus>(corpus), view);
}

}  // namespace

TEST(windows, every_token_is_a_target_once_an_epoch) {
  for (const int tokens : {2, 8, 9, 10, 37, 100}) {
    const Corpus corpus = counted_corpus({{tokens}}, false);
    const auto source = cut(corpus, windows(8));
    ASSERT_EQ(source->size(), (tokens - 1 + 7) / 8);
    for (const int epoch : {0, 1, 2, 7}) {
      std::multiset<std::int64_t> targets;
      std::int64_t jumps = 0, full = 0;
      for (std::int64_t i = 0; i < source->size(); i++) {
        const Row row = row_of(*source, i, epoch);
        ASSERT_EQ(row.tokens.size(), 9u);
        full += row.length == 9;
        for (std::int64_t k = 1; k < row.length; k++) {
          targets.insert(row.tokens[k]);
          jumps += row.tokens[k] != row.tokens[k - 1] + 1;
        }
        for (std::int64_t k = row.length; k < 9; k++) EXPECT_EQ(row.tokens[k], kPadId);
      }
      std::multiset<std::int64_t> wanted;
      for (int i = 1; i < tokens; i++) wanted.insert(kFirstId + i);
      EXPECT_EQ(targets, wanted) << tokens << " tokens, epoch " << epoch;
      EXPECT_LE(jumps, epoch == 0 ? 0 : 1);  // from the text's end to its start
      EXPECT_GE(full, source->size() - 1);
    }
  }
}

TEST(windows, epochs_begin_at_other_places_and_seeds_differ) {
  const Corpus corpus = counted_corpus({{5000}}, false);
  const auto first = [&](std::uint64_t seed, std::int64_t epoch) {
    TextView view = windows(16);
    view.seed = seed;
    return row_of(*cut(corpus, view), 0, epoch).tokens[0];
  };
  EXPECT_EQ(first(0, 0), kFirstId);
  std::set<std::int64_t> starts;
  for (int epoch = 1; epoch < 50; epoch++) starts.insert(first(0, epoch));
  EXPECT_GE(starts.size(), 47u);
  EXPECT_NE(first(0, 1), first(1, 1));
  EXPECT_EQ(first(3, 4), first(3, 4));
}

TEST(windows, aligned_ones_are_documents_between_end_tokens) {
  const Corpus corpus = counted_corpus({{3}, {2, 4}, {12}});
  TextView view = windows(8);
  view.aligned = true;
  const auto source = cut(corpus, view);
  ASSERT_EQ(source->size(), 3);
  const Row a = row_of(*source, 0), b = row_of(*source, 1, 5), c = row_of(*source, 2);
  EXPECT_EQ(a.tokens, (std::vector<std::int64_t>{5, 6, 7, 8, 5, 0, 0, 0, 0}));
  EXPECT_EQ(a.length, 5);
  EXPECT_EQ(b.tokens, (std::vector<std::int64_t>{5, 9, 10, 11, 12, 13, 14, 5, 0}));
  EXPECT_EQ(b.length, 8);
  EXPECT_EQ(c.tokens, (std::vector<std::int64_t>{5, 15, 16, 17, 18, 19, 20, 21, 22}));  // its start
  EXPECT_EQ(c.length, 9);
  EXPECT_EQ(
      source->left_out(),
      "1 of 3 documents have more than 8 tokens, the longest 13: what does not fit is left out");
  view.length = 13;
  EXPECT_EQ(cut(corpus, view)->left_out(), "");
  view.length = 8;
  const auto bare = cut(counted_corpus({{3}, {2}}, false), view);
  EXPECT_EQ(row_of(*bare, 1).tokens[0], kFirstId + 3);
  EXPECT_EQ(row_of(*bare, 1).length, 2);
}

TEST(windows, what_is_wrong) {
  Corpus corpus = counted_corpus({{20}}, false);
  EXPECT_EQ(error_of([&] { cut(corpus, windows(0)); }),
            "[text] windows must have at least one token: got length 0");
  corpus.vocabulary.size = kFirstId + 10;
  EXPECT_EQ(
      error_of([&] { row_of(*cut(corpus, windows(30)), 0); }),
      "[text] tokens must be below 16, the size of the vocabulary: got 16 as token 10 of counted");
  EXPECT_EQ(error_of([&] { cut(counted_corpus({{1}}, false), windows(4)); }),
            "[text] needs at least two tokens: got 1 in counted");
  EXPECT_EQ(error_of([&] { cut(corpus, {}); }), "[text] the task takes no text: got counted");
  EXPECT_NE(error_of([&] {
              row_of(*cut(counted_corpus({{9}}, false), windows(4)), 2);
            }).find("sample ids are 0 to 1: got 2"),
            std::string::npos);
}

TEST(windows, hold_out_cuts_between_documents_where_that_is_near) {
  const Split near = hold_out(counted_corpus({{440}, {450}, {90}}, false), 0.1);  // 882 is near 890
  EXPECT_EQ(near.train.tokens.size(), 890);
  EXPECT_EQ(near.test.tokens.size(), 90);
  EXPECT_EQ(near.train.document_count(), 2);
  EXPECT_EQ(near.test.document_count(), 1);
  EXPECT_EQ(near.test.tokens[0], kFirstId + 890);
  EXPECT_EQ(near.test.sentences[0], 0);
  const Split inside = hold_out(counted_corpus({{50, 50}}, false), 0.1);
  EXPECT_EQ(inside.train.tokens.size(), 90);
  EXPECT_EQ(inside.test.document_count(), 1);
  EXPECT_EQ(inside.train.sentences.size(), 2u);
  EXPECT_TRUE(inside.test.sentences.empty());
  EXPECT_NE(error_of([&] { hold_out(counted_corpus({{5}}, false), 1.5); }).find("got 1.5"),
            std::string::npos);
}

}  // namespace lacuna::test
