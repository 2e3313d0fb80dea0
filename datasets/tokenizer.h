#pragma once
// Text to numbers and back. A tokenizer never fails on valid UTF-8; what is not UTF-8 is an Error that says at which byte.
#include <cstdint>
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
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// The tokens of a text, without [CLS], [SEP] or the like. Called from several threads at once.
  virtual std::vector<Token> encode(std::string_view text) const = 0;
  std::vector<std::int32_t> ids(std::string_view text) const;
  virtual std::string decode(std::span<const std::int32_t> ids) const = 0;

  virtual Vocabulary vocabulary() const = 0;
  /// A token as the vocabulary spells it: "##ing", "\u0120the", "[MASK]".
  virtual std::string token(std::int32_t id) const = 0;
  /// -1 where there is no token of that spelling.
  virtual std::int32_t find(std::string_view token) const = 0;

  /// Writes one file from which open_tokenizer("hf:FILE") makes the same tokenizer again.
  virtual void save(const std::string& path) const = 0;
};

/// The tokenizer behind a SPEC:
///   wordpiece:vocab.txt   BERT's, lower case; option case=keep
///   bpe:DIR               encoder.json and vocab.bpe: GPT-2's, byte-level
///   hf:tokenizer.json     WordPiece, byte-level BPE or characters
/// `char`, whose characters are those of a text, is made by train_characters().
std::shared_ptr<const Tokenizer> open_tokenizer(const std::string& spec);

}  // namespace lacuna
