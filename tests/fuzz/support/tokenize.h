#pragma once
// What must hold of any tokenizer and any text: the same ids either way, inside the vocabulary, and tokens in the order of
// the text; decoding what was encoded does not fail. Traps where it does not hold.
#include "../../../datasets/tokenizer.h"

namespace lacuna::fuzz {

inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

/// Fails with an Error where the text is not UTF-8.
inline void tokenize(const Tokenizer& t, std::string_view text) {
  const std::vector<Token> tokens = t.encode(text);
  const std::int64_t size = t.vocabulary().size;
  std::vector<std::int32_t> ids;
  std::int64_t at = 0;
  for (const Token& token : tokens) {
    require(token.id >= 0 && token.id < size);
    require(token.begin <= token.end && token.end >= at &&
            token.end <= static_cast<std::int64_t>(text.size()));
    at = token.end;
    ids.push_back(token.id);
  }
  require(t.ids(text) == ids);
  t.decode_special(ids);
  t.encode_special(text);
  const std::size_t cut = t.next_cut(text, text.size() / 2);
  std::vector<std::int32_t> parts = t.ids(text.substr(0, cut));
  t.append_ids(text.substr(cut), parts);
  require(parts == ids);
}

}  // namespace lacuna::fuzz
