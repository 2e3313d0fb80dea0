#pragma once
// WordPiece (google-research/bert, tokenization.py): each word of bert_words.h is cut, from its start, into the longest
// pieces that the vocabulary has; all but the first are spelled with "##" before them. A word that cannot be cut so, or is
// too long, is [UNK].
#include "bert_words.h"
#include "number_map.h"
#include "vocabulary.h"

namespace lacuna::text {

struct WordPieceRules {
  BertRules words;
  std::int64_t longest_word = 200;  // characters
  bool tidy = true;  // decode takes blanks away before punctuation and round apostrophes
};

class WordPiece : public VocabularyTokenizer {
 public:
  /// The first `own` tokens are the model's, those behind them were added and are found by encode_special() only.
  WordPiece(TokenList list, std::int32_t own, const WordPieceRules& rules);

  std::vector<Token> encode(std::string_view text) const override;
  void append_ids(std::string_view text, std::vector<std::int32_t>& out) const override;
  std::size_t next_cut(std::string_view text, std::size_t from) const override;
  std::vector<std::uint8_t> continues() const override;
  std::string to_json() const override;

 protected:
  std::string join(std::span<const std::int32_t> ids) const override;

 private:
  struct Piece {
    std::int32_t id;
    std::size_t begin, end;  // bytes of the word
  };
  template <class Emit>
  void cut(const BertWord& word, std::vector<Piece>& pieces, Emit&& emit) const;
  void add_to_trie(std::int32_t root, std::string_view bytes, std::int32_t id);
  static std::uint64_t edge(std::int32_t node, char byte) {
    return static_cast<std::uint64_t>(node) << 8 | static_cast<unsigned char>(byte);
  }

  WordPieceRules rules_;
  BertClasses classes_;
  std::int32_t own_, unknown_;
  NumberMap edges_;                     // (node, byte) -> node; node 0 begins words, node 1 goes on
  std::vector<std::int32_t> token_of_;  // of a node, -1 where none ends there
};

/// vocab.txt: a token a line, the first one's id is 0.
std::shared_ptr<const Tokenizer> parse_vocab_txt(std::string_view text, const std::string& name,
                                                 bool keep_case);
std::shared_ptr<const Tokenizer> open_wordpiece(const std::string& path, bool keep_case);

}  // namespace lacuna::text
