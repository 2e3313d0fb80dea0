#pragma once
// Built-in text: short stories about who needs what, why, and how it is got. See story_grammar.h for the words, the
// exact entropy, and for judging whether a text is a story.
#include <memory>

#include "../tokenizer.h"
#include "corpus.h"

namespace lacuna {

struct StoriesOptions {
  std::int64_t size = 20000;  // stories; at most 10,000,000
  bool train = true;          // train and test draw from different streams
  std::uint64_t seed = 0;
};

/// Each story a document, closed with <|endoftext|>; sentences end with ".". Held in memory, 2 bytes a token.
Corpus make_stories(const StoriesOptions& options);

/// WordPiece, with every word of the grammar as one token and no other pieces: other words are [UNK].
std::shared_ptr<const Tokenizer> story_tokenizer();

}  // namespace lacuna
