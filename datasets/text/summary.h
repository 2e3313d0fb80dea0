#pragma once
// What is in a text, and what is wrong with it: `lacuna data describe SPEC`.
#include <string>
#include <vector>

#include "corpus.h"

namespace lacuna {

/// Of a list of lengths, in tokens.
struct LengthSummary {
  std::int64_t least = 0, median = 0, most_of = 0, most = 0;  // most_of: 95 of 100 are not longer
  double mean = 0;
};

struct TextSummary {
  std::string name;
  std::int64_t documents = 0, sentences = 0, tokens = 0, bytes = 0, longest_line = 0;
  std::int64_t vocabulary = 0, used = 0, unknown = 0;  // used: tokens of the vocabulary that occur
  double unigram_entropy = 0;                          // nats a token
  double entropy = 0;                                  // nats a token; NaN where nobody knows
  LengthSummary document_tokens, sentence_tokens;
  std::vector<std::string> problems;  // a sentence each
};

/// One pass over the tokens.
TextSummary summarize_text(const Corpus& corpus);

std::string to_text(const TextSummary& summary);
std::string to_json(const TextSummary& summary);

}  // namespace lacuna
