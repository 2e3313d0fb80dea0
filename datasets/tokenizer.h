#pragma once
// Text to numbers and back. A tokenizer never fails on valid UTF-8; what is not UTF-8 is an Error that says at which byte.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../core/batch.h"

namespace lacuna {

struct Token {
  std::int32_t id = 0;
  std::int64_t begin = 0, end = 0;  // bytes of the text it stands for

  bool operator==(const Token&) const = default;
};

/// Immutable: every function may be called from several threads at once.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// The tokens of a text. No special tokens: "[MASK]" in the text is a bracket, a word and a bracket.
  virtual std::vector<Token> encode(std::string_view text) const = 0;
  /// Their ids alone, which is faster; appended to `out`.
  virtual void append_ids(std::string_view text, std::vector<std::int32_t>& out) const = 0;
  std::vector<std::int32_t> ids(std::string_view text) const;

  /// With special tokens: one that the text spells ("[MASK]", "<|endoftext|>") is that token, and where there are [CLS]
  /// and [SEP], they stand around the whole, for no bytes.
  std::vector<Token> encode_special(std::string_view text) const;

  /// The text again. Special tokens (unknown ones included) are left out, or spelled. Byte-level BPE gives back exactly
  /// the bytes that were encoded, so that a few tokens out of many may be no valid UTF-8; WordPiece puts blanks between
  /// words, but not where punctuation wants none. An id outside of the vocabulary is an Error.
  std::string decode(std::span<const std::int32_t> ids) const;
  std::string decode_special(std::span<const std::int32_t> ids) const;

  virtual Vocabulary vocabulary() const = 0;
  /// Of each token 1 where it goes on with the word before it; empty where this is unknown. Vocabulary::continues of a
  /// Source; vocabulary() leaves it out.
  virtual std::vector<std::uint8_t> continues() const { return {}; }
  /// Ids that no text has unless encode_special() reads it, ascending.
  virtual const std::vector<std::int32_t>& special() const = 0;
  /// A token as the vocabulary spells it: "##ing", "\u0120the", "[MASK]".
  virtual std::string token(std::int32_t id) const = 0;
  /// -1 where there is no token of that spelling.
  virtual std::int32_t find(std::string_view token) const = 0;

  /// The first place at or behind byte `from` where a text may be cut: tokens of the parts are tokens of the whole.
  /// text.size() where there is none.
  virtual std::size_t next_cut(std::string_view text, std::size_t from) const = 0;

  /// As a Hugging Face tokenizer.json, from which tokenizer_from_json() makes the same tokenizer again.
  virtual std::string to_json() const = 0;
  /// Writes that to a file, for open_tokenizer("hf:FILE").
  void save(const std::string& path) const;

 protected:
  /// Of ids that are in the vocabulary.
  virtual std::string join(std::span<const std::int32_t> ids) const = 0;
  void check_id(std::int32_t id) const;
};

/// The tokenizer behind a SPEC:
///   wordpiece:vocab.txt   BERT's, lower case; wordpiece:vocab.txt?case=keep for the cased models
///   bpe:DIR               encoder.json and vocab.bpe: GPT-2's, byte-level
///   hf:tokenizer.json     WordPiece as BERT has it, byte-level BPE as GPT-2 has it, or characters as save() writes them
/// `char` is no SPEC by itself: its characters are those of a text, see train_tokenizer().
std::shared_ptr<const Tokenizer> open_tokenizer(const std::string& spec);
/// `name` is what errors call it.
std::shared_ptr<const Tokenizer> tokenizer_from_json(std::string_view json,
                                                     const std::string& name);

struct TrainOptions {
  std::int64_t vocabulary = 30000;  // tokens, special ones included
  bool keep_case = false;           // wordpiece: neither lower case nor accents taken away
  std::int64_t alphabet = 1000;     // wordpiece: characters, the most frequent ones
  std::int64_t least = 2;           // a pair that occurs less often is not merged
};
struct NamedText {
  std::string name;  // for errors
  std::string_view text;
};
/// Learns a tokenizer from texts; on all threads, and the same for any number of them. `kind` is one of:
///
/// char: every character (code point) of the texts, sorted, and then [UNK], for those that are not in them.
///
/// wordpiece, bpe: both begin with single characters (WordPiece: of words as BERT splits them, with "##" before all but a
/// word's first; BPE: the 256 bytes) and merge the most frequent pair of neighbours inside words until the vocabulary is
/// full: Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016), algorithm 1. BERT's
/// own learner was never published; Hugging Face's trainer for WordPiece follows the same rule. Of equally frequent pairs
/// the one with the smaller ids is first. Special tokens: [PAD] [UNK] [CLS] [SEP] [MASK] are first; <|endoftext|> is last.
/// Of texts with too few pairs come fewer tokens than asked for.
std::shared_ptr<const Tokenizer> train_tokenizer(const std::string& kind,
                                                 std::span<const NamedText> texts,
                                                 const TrainOptions& options);
std::shared_ptr<const Tokenizer> train_characters(std::string_view text);
/// The same from files, plain or .gz, and what is in folders (text_files() of datasets/text/text_files.h). They may be larger
/// than memory: a few MB a thread are read at a time. Their distinct words may not.
std::shared_ptr<const Tokenizer> train_tokenizer_on_files(const std::string& kind,
                                                          const std::vector<std::string>& places,
                                                          const TrainOptions& options);

/// ids() of a text of any size, a mapped file say, on all threads: `sink` gets them in order, some at a time, the same for
/// any number of threads.
void encode_all(const Tokenizer& tokenizer, std::string_view text,
                const std::function<void(std::span<const std::int32_t>)>& sink);

}  // namespace lacuna
