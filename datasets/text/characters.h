#pragma once
// A token a character (code point), as char-rnn and nanoGPT have them; what the vocabulary lacks is [UNK].
#include <array>

#include "number_map.h"
#include "vocabulary.h"

namespace lacuna::text {

class Characters : public VocabularyTokenizer {
 public:
  /// All tokens but the special ones must be one character; [UNK] must be there.
  Characters(TokenList list, const std::string& name);

  std::vector<Token> encode(std::string_view text) const override;
  void append_ids(std::string_view text, std::vector<std::int32_t>& out) const override;
  std::size_t next_cut(std::string_view text, std::size_t from) const override;
  std::string to_json() const override;

 protected:
  std::string join(std::span<const std::int32_t> ids) const override;

 private:
  template <class Emit>
  void encode_characters(std::string_view text, Emit&& emit) const;

  std::int32_t unknown_;
  std::array<std::int32_t, 128> ascii_;
  NumberMap beyond_;
};

/// Sorted characters and [UNK].
std::shared_ptr<const Tokenizer> make_characters(std::vector<std::int32_t> code_points);

}  // namespace lacuna::text
