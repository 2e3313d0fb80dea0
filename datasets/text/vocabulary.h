#pragma once
// What the three tokenizers share: a vocabulary, whose spelled tokens have the numbers 0 to size - 1, and special tokens.
#include <memory>

#include "../tokenizer.h"
#include "strings.h"

namespace lacuna::text {

inline constexpr const char* kPad = "[PAD]";
inline constexpr const char* kUnknown = "[UNK]";
inline constexpr const char* kCls = "[CLS]";
inline constexpr const char* kSep = "[SEP]";
inline constexpr const char* kMask = "[MASK]";
inline constexpr const char* kEndOfText = "<|endoftext|>";

struct TokenList {
  Strings tokens;
  std::vector<std::int32_t> special;  // ascending

  /// A token that must be new; fails with `what`, "FILE, line 7", say.
  void add(std::string_view token, const std::string& what);
  /// The token becomes a special one, where it is there.
  void mark_special(std::string_view token);
};

class VocabularyTokenizer : public Tokenizer {
 public:
  explicit VocabularyTokenizer(TokenList list);
  Vocabulary vocabulary() const override { return vocabulary_; }
  const std::vector<std::int32_t>& special() const override { return list_.special; }
  std::string token(std::int32_t id) const override;
  std::int32_t find(std::string_view token) const override { return list_.tokens.find(token); }

 protected:
  const Strings& tokens() const { return list_.tokens; }

 private:
  TokenList list_;
  Vocabulary vocabulary_;
};

/// The lines of a text without their ends, "\n" or "\r\n"; `line(number, text)` counts from 1.
template <class Line>
void for_each_line(std::string_view text, Line&& line) {
  for (std::int64_t number = 1; !text.empty(); number++) {
    const std::size_t end = text.find('\n');
    std::string_view one = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!one.empty() && one.back() == '\r') one.remove_suffix(1);
    line(number, one);
  }
}

/// A vocabulary as a JSON object's members, {"[PAD]": 0, ...}, by id. Fails unless the ids are 0 to n - 1, each once.
TokenList tokens_by_id(std::vector<std::pair<std::int64_t, std::string>> members,
                       const std::string& name);

}  // namespace lacuna::text
