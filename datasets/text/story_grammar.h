#pragma once
// The grammar behind `stories`. A story is a walk through a table of lines (story_lines.cpp): at a node one line is
// chosen by its probability, and in it each ?slot gets a value, uniformly among those it may have; every $slot repeats,
// or follows from, what was chosen before: who has the key, where the apple is, why Lena wants it. A text is derived in
// one way at most, so that its probability is the product of its choices and the entropy of stories is exact.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lacuna {

/// Words by number: the special tokens [PAD] [UNK] [CLS] [SEP] [MASK] <|endoftext|>, and then every word of the grammar.
const std::vector<std::string>& story_words();
enum StoryToken : std::int32_t { kPad, kUnknown, kCls, kSep, kMask, kEnd, kFirstStoryWord };
/// Number of a word; -1 where the grammar has none of that spelling.
std::int32_t story_word(std::string_view word);

/// Appends the story that (seed, split, index) stands for, without special tokens; each sentence ends with ".".
void write_story(std::uint64_t seed, bool train, std::int64_t index, std::vector<std::int32_t>& to);

struct StoryParse {
  int derivations = 0;         // 1 for a story, 0 for anything else
  double log_probability = 0;  // in nats, of the derivation
};
/// `words`: a whole story, without special tokens.
StoryParse parse_story(std::span<const std::int32_t> words);

inline bool is_valid_story(std::span<const std::int32_t> words) {
  return parse_story(words).derivations > 0;
}
/// Is the story still one with `word` in place `position`?
bool is_valid_filling(std::span<const std::int32_t> words, std::size_t position, std::int32_t word);

/// Exact figures of all stories, by a sum over the table's lines from the last to the first.
struct StoryFacts {
  double nats = 0;                         // entropy of a story
  double words = 0;                        // expected words of a story
  std::int64_t shortest = 0, longest = 0;  // words
  /// Entropy in nats a token, where a story has its words and one end token.
  double nats_per_token() const { return nats / (words + 1); }
};
const StoryFacts& story_facts();

}  // namespace lacuna
