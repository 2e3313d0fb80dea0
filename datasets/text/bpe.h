#pragma once
// Byte-level BPE (Radford et al., "Language Models are Unsupervised Multitask Learners", 2019; openai/gpt-2,
// src/encoder.py): the text's parts (byte_level.h) as bytes, of which the pair of neighbours that was merged first in
// training is merged first, the leftmost of equals, until none is left that was.
#include "byte_level.h"
#include "number_map.h"
#include "vocabulary.h"

namespace lacuna::text {

struct Merge {
  std::int32_t left, right;  // ids
};

class Bpe : public VocabularyTokenizer {
 public:
  /// Tokens are spelled in GPT-2's characters; every byte must be one. Merges are in their order; `name` is for errors.
  Bpe(TokenList list, std::vector<Merge> merges, const std::string& name);

  std::vector<Token> encode(std::string_view text) const override;
  void append_ids(std::string_view text, std::vector<std::int32_t>& out) const override;
  std::size_t next_cut(std::string_view text, std::size_t from) const override;
  std::string to_json() const override;

 protected:
  std::string join(std::span<const std::int32_t> ids) const override;

 private:
  /// A token of the part that is being merged; a list, so that a merge costs no copying.
  struct Symbol {
    std::int32_t id, previous, next;  // places; -1: none
    std::int32_t bytes;               // 0: merged into the one before it
  };
  struct Scratch {
    std::vector<Symbol> symbols;
    std::vector<std::uint64_t> queue;  // rank << 32 | place of the left symbol
  };
  static std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
  }
  void merge(std::string_view bytes, Scratch& scratch) const;
  template <class Emit>
  void encode_part(std::string_view bytes, Scratch& scratch, Emit&& emit) const;
  template <class Emit>
  void encode_parts(std::string_view text, Emit&& emit) const;

  std::vector<Merge> merges_;
  NumberMap ranks_;                   // pair_key -> place in merges_
  std::vector<std::int32_t> merged_;  // id that a merge gives
  std::int32_t byte_ids_[256];
  Strings bytes_;            // of each token; a special token's are those of its spelling
  std::vector<bool> whole_;  // tokens whose own bytes are merged into them
};

/// Merges as pairs of spelled tokens; `what(i)` is what errors call number i.
std::vector<Merge> merges_by_spelling(const TokenList& list,
                                      const std::vector<std::pair<std::string, std::string>>& pairs,
                                      const std::function<std::string(std::size_t)>& what);

/// encoder.json: {"token": id, ...}. vocab.bpe: "#version: 0.2", then a merge a line, two tokens with a blank between them.
std::shared_ptr<const Tokenizer> parse_bpe(std::string_view encoder_json,
                                           std::string_view vocab_bpe, const std::string& name);
std::shared_ptr<const Tokenizer> open_bpe(const std::string& folder);

}  // namespace lacuna::text
