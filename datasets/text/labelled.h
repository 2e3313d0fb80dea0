#pragma once
// Labelled text, for fine-tuning: one sample a row, held in memory.
//
//   "tokens" (length) i64, "segment" (length) i64, "length" () i64, and
//   "label"  () i64        tsv: a value of classes()
//   "tag"    (length) i64  conll: a value of classes() at a word's first token, -1 everywhere else
//
// Where the vocabulary has [CLS]: [CLS] A [SEP], or [CLS] A [SEP] B [SEP] with segment 1 in "B [SEP]" (Devlin et al.
// 2018). Else: start A classify, or start A delimiter B classify (Radford et al. 2018), with three new tokens behind the
// tokenizer's: start is its size, delimiter (vocabulary().sep) one more, and classify (vocabulary().cls) two more;
// vocabulary().size counts them; or, for a model that is to see nothing new, E A, or E A E B, where E is the token between two
// documents, left out where the vocabulary has none. What is too long loses its last tokens, of a pair always the longer part.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../tokenizer.h"

namespace lacuna {

/// Names of columns, for a file with a header; empty: found by their usual names.
struct TsvColumns {
  std::string text, pair, label;
};

struct LabelledRow {
  std::string text, pair, label, split;
};

/// Lines of fields with a TAB between them. A header is a first line with a column that is named, or where none is:
/// text (sentence, text, sentence1, premise, question1), pair (hypothesis, sentence2, question2) and label (label,
/// entailment, gold_label, class); `split` may be a column. Without a header, text and label, or text, pair and label.
/// Empty lines and further header lines are passed over. Fails on a line with too few fields, with its number.
std::vector<LabelledRow> parse_tsv(std::string_view text, const std::string& name,
                                   const TsvColumns& columns);

struct TaggedSentence {
  std::vector<std::string> words, tags;
};

/// Lines of a word, perhaps more columns, and a tag, with a TAB or blanks between them; a line of white space ends a
/// sentence. Lines of "-DOCSTART-" are passed over.
std::vector<TaggedSentence> parse_conll(std::string_view text, const std::string& name);

struct LabelledOptions {
  bool train = true;
  double held_out =
      0;  // the share of rows, from the end, that is the test split; 0: both splits are all rows, or,
          // where there is a `split` column, test is the rows whose split ends with "test"
  std::int64_t length = 0;           // 0: as long as the longest row
  std::vector<std::string> classes;  // empty: those of the file, numbers in order, or else sorted
  bool new_tokens = true;            // may tokens be put behind the tokenizer's?
  TsvColumns columns;
};

/// Fails on a label that is not one of options.classes.
std::unique_ptr<Source> open_tsv(const std::string& path, const Tokenizer& tokenizer,
                                 const LabelledOptions& options);
std::unique_ptr<Source> open_conll(const std::string& path, const Tokenizer& tokenizer,
                                   const LabelledOptions& options);

}  // namespace lacuna
