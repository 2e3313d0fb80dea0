#include "../../datasets/text/stories.h"

#include <cmath>
#include <map>
#include <set>

#include "../../datasets/spec.h"
#include "../../datasets/text/story_grammar.h"
#include "../../kernels/cpu/parallel.h"
#include "text.h"

namespace lacuna::test {
namespace {

std::vector<std::int32_t> story(std::int64_t index, std::uint64_t seed = 0, bool train = true) {
  std::vector<std::int32_t> words;
  write_story(seed, train, index, words);
  return words;
}

std::vector<std::int32_t> words_of(const std::string& text) { return story_tokenizer()->ids(text); }

}  // namespace

TEST(stories, each_is_derived_in_one_way_and_their_entropy_is_exact) {
  const StoryFacts& facts = story_facts();
  constexpr int kStories = 20000;
  double nats = 0, squares = 0, words = 0, words_squared = 0;
  std::int64_t shortest = 1000, longest = 0;
  for (int i = 0; i < kStories; i++) {
    const auto s = story(i);
    const StoryParse parse = parse_story(s);
    ASSERT_EQ(parse.derivations, 1) << story_tokenizer()->decode(s);
    nats -= parse.log_probability;
    squares += parse.log_probability * parse.log_probability;
    const auto n = static_cast<double>(s.size());
    words += n;
    words_squared += n * n;
    shortest = std::min(shortest, static_cast<std::int64_t>(s.size()));
    longest = std::max(longest, static_cast<std::int64_t>(s.size()));
  }
  const double mean = nats / kStories, mean_words = words / kStories;
  EXPECT_NEAR(mean, facts.nats, 4 * std::sqrt((squares / kStories - mean * mean) / kStories));
  EXPECT_NEAR(mean_words, facts.words,
              4 * std::sqrt((words_squared / kStories - mean_words * mean_words) / kStories));
  EXPECT_EQ(shortest, facts.shortest);
  EXPECT_EQ(longest, facts.longest);
  EXPECT_GE(facts.shortest, 60);
  EXPECT_LE(facts.longest, 124);
  EXPECT_GE(story_words().size(), 100u);
  EXPECT_LE(story_words().size(), 300u);
}

TEST(stories, probabilities_of_all_ends_of_a_story_add_up_to_one) {
  // Wherever a story is cut, the words that may follow it carry all of the probability: what a model can reach.
  const auto s = story(3);
  const std::int32_t topic = s[s.size() - 2];
  int valid = 0;
  double sum = 0;
  for (std::int32_t w = 0; w < static_cast<std::int32_t>(story_words().size()); w++) {
    if (!is_valid_filling(s, s.size() - 2, w)) continue;
    auto filled = s;
    filled[s.size() - 2] = w;
    sum += std::exp(parse_story(filled).log_probability - parse_story(s).log_probability) / 3;
    valid++;
  }
  EXPECT_EQ(valid, 3);
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_TRUE(is_valid_filling(s, s.size() - 2, topic));
}

TEST(stories, fillings_are_judged_by_what_happened_before) {
  const std::string text =
      "one sunny morning lena and max were in the garden. max was hungry because he had walked "
      "far. "
      "so he wanted the red apple in the locked barn. lena had a key and gave it to max. so max "
      "quickly "
      "opened the barn with the key. there max found the red apple under the tree. then max went "
      "back "
      "to lena in the garden. max gladly ate the apple and was full. max gave the key back to "
      "lena. "
      "they sang about the key.";
  const auto s = words_of(text);
  ASSERT_TRUE(is_valid_story(s)) << text;
  const auto place = [&](const std::string& before, const std::string& word) {
    return words_of(before).size() + 0 * word.size();
  };
  const std::size_t pronoun =
      place("one sunny morning lena and max were in the garden. max was hungry because", "he");
  ASSERT_EQ(story_words()[s[pronoun]], "he");
  EXPECT_FALSE(is_valid_filling(s, pronoun, story_word("she")));
  EXPECT_TRUE(is_valid_filling(s, 1, story_word("rainy")));
  EXPECT_FALSE(is_valid_filling(s, 1, story_word("locked")));
  EXPECT_FALSE(is_valid_filling(s, 3, story_word("anna")));  // lena comes back later
  EXPECT_FALSE(is_valid_filling(s, 9, story_word("barn")));  // the apple is there
  std::string wrong = text;
  wrong.replace(wrong.find("had a key"), 9, "had a boat");
  EXPECT_FALSE(is_valid_story(words_of(wrong)));
  wrong = text;
  wrong.replace(wrong.rfind("key."), 4, "garden.");
  EXPECT_FALSE(is_valid_story(words_of(wrong)));
  EXPECT_FALSE(is_valid_story(std::span(s).first(s.size() - 1)));
  EXPECT_FALSE(is_valid_story({}));
  EXPECT_NE(error_of([&] { is_valid_filling(s, s.size(), 7); }).find("the blank must lie"),
            std::string::npos);
}

TEST(stories, the_corpus_is_the_same_on_any_threads_and_splits_differ) {
  StoriesOptions o;
  o.size = 1000;
  const int before = cpu::threads();
  cpu::set_threads(1);
  const Corpus one = make_stories(o);
  cpu::set_threads(3);
  const Corpus three = make_stories(o);
  cpu::set_threads(before);
  ASSERT_EQ(one.tokens.size(), three.tokens.size());
  for (std::int64_t i = 0; i < one.tokens.size(); i++) ASSERT_EQ(one.tokens[i], three.tokens[i]);
  ASSERT_EQ(one.document_count(), 1000);
  const auto third = story(2);
  for (std::size_t i = 0; i < third.size(); i++)
    EXPECT_EQ(one.tokens[one.documents[2] + static_cast<std::int64_t>(i)], third[i]);
  EXPECT_EQ(one.tokens[one.documents[3] - 1], kEnd);
  EXPECT_NE(story(2), story(2, 0, false));
  EXPECT_NE(story(2), story(2, 1));
  std::set<std::vector<std::int32_t>> all;
  for (int i = 0; i < 1000; i++) all.insert(story(i));
  EXPECT_EQ(all.size(), 1000u);
  // Text and tokens agree, and the bytes are those of the text.
  std::int64_t bytes = 0;
  for (int i = 0; i < 1000; i++) {
    const auto s = story(i);
    const std::string text = story_tokenizer()->decode(s);
    EXPECT_EQ(story_tokenizer()->ids(text), s);
    bytes += static_cast<std::int64_t>(text.size()) + 1;
  }
  EXPECT_EQ(one.bytes, bytes);
  EXPECT_GT(unigram_entropy(token_counts(one)), 6 * one.entropy);
}

TEST(stories, open_as_windows_and_as_pairs) {
  TextOptions o;
  o.view.kind = TextView::Kind::windows;
  o.view.length = story_facts().longest + 1;
  o.view.aligned = true;
  const auto windows = open_source("stories:50", "train", o);
  EXPECT_EQ(windows->size(), 50);
  EXPECT_DOUBLE_EQ(windows->entropy(), story_facts().nats_per_token());
  for (int i = 0; i < 50; i++) {
    const Row row = row_of(*windows, i);
    EXPECT_EQ(row.tokens[0], kEnd);
    EXPECT_EQ(row.tokens[row.length - 1], kEnd);
    const std::vector<std::int32_t> s(row.tokens.begin() + 1, row.tokens.begin() + row.length - 1);
    EXPECT_TRUE(is_valid_story(s));
  }
  EXPECT_EQ(open_source("stories:50", "test", o)->size(), 10);
  o.view = {};
  o.view.kind = TextView::Kind::pairs;
  o.view.length = 128;
  const auto pairs = open_source("stories:400", "train", o);
  EXPECT_EQ(pairs->size(), 400);
  EXPECT_TRUE(std::isnan(pairs->entropy()));
  Vocabulary vocabulary = story_tokenizer()->vocabulary();
  vocabulary.continues = story_tokenizer()->continues();
  EXPECT_TRUE(pairs->vocabulary() == vocabulary);
  int conflicts = 0, random = 0;
  for (int i = 0; i < 400; i++) {
    const Row row = row_of(*pairs, i);
    std::vector<std::int32_t> joined;
    for (std::int64_t k = 1; k < row.length; k++)
      if (row.tokens[k] != kSep) joined.push_back(static_cast<std::int32_t>(row.tokens[k]));
    if (row.label == 0) {
      EXPECT_TRUE(is_valid_story(joined));
    } else {
      random++;
      conflicts += !is_valid_story(joined);
    }
  }
  EXPECT_EQ(random, 200);
  EXPECT_GE(conflicts, 195);  // B of another story is told by its people and things
  EXPECT_NE(error_of([] { open_source("stories:9", "train"); }).find("must be one that takes text"),
            std::string::npos);
  EXPECT_NE(error_of([&] { open_source("stories:0", "train", o); }).find("at least 1"),
            std::string::npos);
}

}  // namespace lacuna::test
