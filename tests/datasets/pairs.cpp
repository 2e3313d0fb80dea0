#include <cmath>
#include <map>
#include <set>

#include "../../kernels/random.h"
#include "text.h"

namespace lacuna::test {
namespace {

TextView view_of(TextView::Kind kind, std::int64_t length, double short_share = 0) {
  TextView view;
  view.kind = kind;
  view.length = length;
  view.short_share = short_share;
  return view;
}

std::unique_ptr<Source> pairs_of(const Corpus& corpus, const TextView& view) {
  return cut_text(std::make_shared<Corpus>(corpus), view);
}

// 60 documents of 3 to 40 sentences of 1 to 30 tokens.
Corpus many_documents() {
  const RandomKey key = RandomKey::of(1, 2);
  std::vector<std::vector<int>> documents;
  for (std::uint64_t d = 0; d < 60; d++) {
    documents.emplace_back();
    for (std::uint64_t s = 0; s < 3 + below(draw_word(key, 0, d), 38); s++)
      documents.back().push_back(static_cast<int>(1 + below(draw_word(key, s + 1, d), 30)));
  }
  return counted_corpus(documents);
}

struct Parts {
  std::vector<std::int64_t> a, b;
};

Parts parts_of(const Row& row) {
  Parts parts;
  EXPECT_EQ(row.tokens[0], kClsId);
  EXPECT_EQ(row.segment[0], 0);
  std::int64_t k = 1;
  for (; k < row.length && row.tokens[k] != kSepId; k++) parts.a.push_back(row.tokens[k]);
  EXPECT_EQ(row.segment[k], 0);
  for (k++; k < row.length && row.tokens[k] != kSepId; k++) {
    parts.b.push_back(row.tokens[k]);
    EXPECT_EQ(row.segment[k], 1);
  }
  for (k++; k < static_cast<std::int64_t>(row.tokens.size()); k++) {
    EXPECT_EQ(row.tokens[k], kPadId);
    EXPECT_EQ(row.segment[k], 0);
  }
  return parts;
}

bool rises_by_one(const std::vector<std::int64_t>& ids) {
  for (std::size_t i = 1; i < ids.size(); i++)
    if (ids[i] != ids[i - 1] + 1) return false;
  return !ids.empty();
}

// The document of token kFirstId + i, where end tokens do not count.
std::map<std::int64_t, std::int64_t> documents_by_token(const Corpus& c) {
  std::map<std::int64_t, std::int64_t> of;
  for (std::int64_t d = 0; d < c.document_count(); d++)
    for (std::int64_t i = c.documents[d]; i < c.content_end(d); i++) of[c.tokens[i]] = d;
  return of;
}

}  // namespace

TEST(pairs, b_follows_a_or_is_from_another_document) {
  const Corpus corpus = many_documents();
  const auto document = documents_by_token(corpus);
  std::set<std::int64_t> starts;
  for (std::int64_t s : corpus.sentences) starts.insert(corpus.tokens[s]);
  for (const std::int64_t length : {12, 64, 128}) {
    const auto source = pairs_of(corpus, view_of(TextView::Kind::pairs, length, 0.1));
    std::int64_t random = 0, shortened = 0;
    for (std::int64_t i = 0; i < source->size(); i++) {
      const Row row = row_of(*source, i, 3);
      const Parts p = parts_of(row);
      ASSERT_TRUE(rises_by_one(p.a) && rises_by_one(p.b)) << i;
      EXPECT_LE(row.length, length);
      const bool cut_short = row.length == length;
      shortened += cut_short;
      ASSERT_TRUE(row.label == 0 || row.label == 1);
      random += row.label;
      if (row.label == 1) {
        EXPECT_NE(document.at(p.a[0]), document.at(p.b[0])) << i;
      } else {
        EXPECT_EQ(document.at(p.a[0]), document.at(p.b[0])) << i;
        EXPECT_GT(p.b[0], p.a.back());
        if (!cut_short) {
          EXPECT_EQ(p.b[0], p.a.back() + 1);
        }
      }
      if (!cut_short) {
        EXPECT_EQ(starts.count(p.a[0]), 1u);
        EXPECT_EQ(starts.count(p.b[0]), 1u);
      }
    }
    EXPECT_LE(std::abs(2 * random - source->size()), 3) << "as many random as true ones";
    EXPECT_GT(shortened, source->size() / 4);
    EXPECT_LT(shortened, source->size());
  }
}

TEST(pairs, tokens_are_used_about_once_an_epoch) {
  const Corpus corpus = many_documents();
  const auto source = pairs_of(corpus, view_of(TextView::Kind::pairs, 64));
  constexpr int kEpochs = 40;
  std::map<std::int64_t, int> uses;
  for (int epoch = 0; epoch < kEpochs; epoch++)
    for (std::int64_t i = 0; i < source->size(); i++) {
      const Parts p = parts_of(row_of(*source, i, epoch));
      for (auto id : p.a) uses[id]++;
      for (auto id : p.b) uses[id]++;
    }
  double sum = 0, tokens = 0;
  int never = 0, most = 0;
  for (const auto& [id, d] : documents_by_token(corpus)) {
    const int n = uses.count(id) ? uses[id] : 0;
    sum += n;
    tokens++;
    never += n == 0;
    most = std::max(most, n);
  }
  EXPECT_NEAR(sum / tokens / kEpochs, 1, 0.15);
  EXPECT_EQ(never, 0);
  EXPECT_LT(most, 3 * kEpochs);
}

TEST(pairs, lengths_do_not_tell_the_label) {
  const Corpus corpus = many_documents();
  const auto source = pairs_of(corpus, view_of(TextView::Kind::pairs, 64, 0.1));
  double sum[2] = {}, squares[2] = {}, count[2] = {};
  for (int epoch = 0; epoch < 20; epoch++)
    for (std::int64_t i = 0; i < source->size(); i++) {
      const Row row = row_of(*source, i, epoch);
      const auto x = static_cast<double>(row.length);
      sum[row.label] += x;
      squares[row.label] += x * x;
      count[row.label]++;
    }
  const double a = sum[0] / count[0], b = sum[1] / count[1];
  const double deviation = std::sqrt(squares[0] / count[0] - a * a);
  EXPECT_LT(std::abs(a - b), 0.1 * deviation) << a << " and " << b;
}

TEST(pairs, are_functions_of_seed_epoch_and_index) {
  const Corpus corpus = many_documents();
  TextView view = view_of(TextView::Kind::pairs, 64, 0.1);
  const auto one = pairs_of(corpus, view), same = pairs_of(corpus, view);
  view.seed = 1;
  const auto other = pairs_of(corpus, view);
  int epochs_differ = 0, seeds_differ = 0;
  for (std::int64_t i = one->size() - 1; i >= 0; i--) {
    EXPECT_EQ(row_of(*one, i, 2).tokens, row_of(*same, i, 2).tokens);
    epochs_differ += row_of(*one, i, 2).tokens != row_of(*one, i, 1).tokens;
    seeds_differ += row_of(*one, i, 2).tokens != row_of(*other, i, 2).tokens;
  }
  EXPECT_GT(epochs_differ, one->size() * 9 / 10);
  EXPECT_GT(seeds_differ, one->size() * 9 / 10);
}

TEST(pairs, two_documents_are_enough_and_one_is_refused) {
  const auto two =
      pairs_of(counted_corpus({{5, 5, 5, 5}, {4, 4}}), view_of(TextView::Kind::pairs, 16));
  for (std::int64_t i = 0; i < two->size(); i++)
    for (int epoch = 0; epoch < 20; epoch++) {
      const Row row = row_of(*two, i, epoch);
      const Parts p = parts_of(row);
      EXPECT_EQ(row.label == 1, (p.a[0] < kFirstId + 20) != (p.b[0] < kFirstId + 20));
    }
  EXPECT_EQ(
      error_of([] {
        pairs_of(counted_corpus({{5, 5, 5}}), view_of(TextView::Kind::pairs, 16));
      }),
      "[text] pairs need two documents, so that a random B can be from another one: got one in "
      "counted (where a document ends is documents=blank, heading or file)");
  EXPECT_EQ(error_of([] {
              pairs_of(counted_corpus({{5}, {5}, {5}}), view_of(TextView::Kind::pairs, 16));
            }),
            "[text] pairs need documents of two sentences or more, but each of the 3 documents of "
            "counted has one (a blank line after every sentence?)");
  EXPECT_NE(error_of([] {
              pairs_of(counted_corpus({{5, 5}, {5, 5}}), view_of(TextView::Kind::pairs, 4));
            }).find("got length 4"),
            std::string::npos);
  Corpus bare = counted_corpus({{5, 5}, {5, 5}});
  bare.vocabulary.cls = -1;
  EXPECT_NE(
      error_of([&] { pairs_of(bare, view_of(TextView::Kind::pairs, 16)); }).find("[CLS] and [SEP]"),
      std::string::npos);
  bare = counted_corpus({{5, 5}, {5, 5}});
  bare.sentences = {};
  EXPECT_NE(
      error_of([&] { pairs_of(bare, view_of(TextView::Kind::pairs, 16)); }).find("got none in"),
      std::string::npos);
}

TEST(pairs, the_longer_part_loses_tokens_at_both_ends_by_a_coin) {
  // One chunk a document; A and B of 40 tokens, of which (32 - 3) stay: 14 or 15 of each.
  std::vector<std::vector<int>> documents(200, std::vector<int>{40, 40});
  const auto source = pairs_of(counted_corpus(documents), view_of(TextView::Kind::pairs, 32));
  double front = 0, gone = 0;
  int seen = 0;
  for (std::int64_t i = 0; i < source->size(); i++) {
    const Parts p = parts_of(row_of(*source, i));
    EXPECT_EQ(p.a.size() + p.b.size(), 29u);
    EXPECT_LE(std::abs(static_cast<int>(p.a.size()) - static_cast<int>(p.b.size())), 1);
    front += static_cast<double>((p.a[0] - kFirstId) % 40);
    gone += 40 - static_cast<double>(p.a.size());
    seen++;
  }
  EXPECT_GT(seen, 300);
  EXPECT_NEAR(front / gone, 0.5, 3 * 0.5 / std::sqrt(gone));
}

TEST(segments, have_no_b_and_cover_the_text) {
  const Corpus corpus = many_documents();
  const auto source = pairs_of(corpus, view_of(TextView::Kind::segments, 64));
  std::set<std::int64_t> seen;
  for (int epoch = 0; epoch < 30; epoch++)
    for (std::int64_t i = 0; i < source->size(); i++) {
      const Row row = row_of(*source, i, epoch);
      EXPECT_EQ(row.label, -1);
      EXPECT_EQ(row.segment, std::vector<std::int64_t>(64, 0));
      EXPECT_EQ(row.tokens[row.length - 1], kSepId);
      const std::vector<std::int64_t> a(row.tokens.begin() + 1,
                                        row.tokens.begin() + row.length - 1);
      EXPECT_TRUE(rises_by_one(a));
      seen.insert(a.begin(), a.end());
    }
  EXPECT_EQ(seen.size(), documents_by_token(corpus).size());
}

TEST(segments, short_ones_are_as_many_as_asked_for) {
  std::vector<std::vector<int>> documents(40, std::vector<int>(400, 1));  // sentences of one token
  const Corpus corpus = counted_corpus(documents);
  for (const double share : {0.0, 0.1, 0.5}) {
    const auto source = pairs_of(corpus, view_of(TextView::Kind::segments, 34, share));
    double shorter = 0, all = 0;
    for (int epoch = 0; epoch < 5; epoch++)
      for (std::int64_t i = 0; i < source->size(); i++) {
        const Row row = row_of(*source, i, epoch);
        // an aim below 32, or the end of the document
        shorter += row.length < 34 && row.tokens[row.length - 2] % 400 != (kFirstId + 399) % 400;
        all++;
      }
    const double expected = share * 30 / 31;  // aims are 2 to 32
    EXPECT_NEAR(shorter / all, expected, 3 * std::sqrt(0.25 / all) + 0.03 * share) << share;
  }
}

}  // namespace lacuna::test
