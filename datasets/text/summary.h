#pragma once
// What is in a text, and what is wrong with it: `lacuna data describe SPEC`.
#include <string>
#include <utility>
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

/// Of rows with labels, or of sentences with a tag for each word.
struct LabelledSummary {
  std::string name;
  bool tags = false, pairs = false;
  std::int64_t rows = 0, tokens = 0;  // tokens: without special ones
  std::int64_t vocabulary = 0, used = 0, unknown = 0;
  std::vector<std::pair<std::string, std::int64_t>> labels;  // rows of each; of tags, words
  LengthSummary row_tokens;           // with special ones, as networks take them
  std::vector<std::string> problems;  // a sentence each
};

/// One pass over a Source of labelled.h, opened with length 0 so that no row is cut.
LabelledSummary summarize_labelled(const Source& source);

std::string to_text(const LabelledSummary& summary);
std::string to_json(const LabelledSummary& summary);

}  // namespace lacuna
