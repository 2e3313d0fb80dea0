#include "bert_words.h"

namespace lacuna::text {

bool is_ideograph(std::int32_t c) {
  const auto within = [c](std::int32_t first, std::int32_t last) {
    return c >= first && c <= last;
  };
  return within(0x4E00, 0x9FFF) || within(0x3400, 0x4DBF) || within(0x20000, 0x2A6DF) ||
         within(0x2A700, 0x2B73F) || within(0x2B740, 0x2B81F) || within(0x2B820, 0x2CEAF) ||
         within(0xF900, 0xFAFF) || within(0x2F800, 0x2FA1F);
}

// All that is neither letter, digit nor blank in ASCII counts, "$" and "^" included.
bool is_bert_punctuation(std::int32_t c) {
  const auto within = [c](std::int32_t first, std::int32_t last) {
    return c >= first && c <= last;
  };
  if (c < 0x80) return within(33, 47) || within(58, 64) || within(91, 96) || within(123, 126);
  return is_punctuation(c);
}

BertClasses::BertClasses(const BertRules& r) : rules(r) {
  for (int b = 0; b < 256; b++) {
    const bool control = b < 0x20 || b == 0x7F,
               blank = b == ' ' || b == '\t' || b == '\n' || b == '\r';
    of[b] = b >= 0x80                            ? beyond
            : blank || (is_space(b) && !r.clean) ? space
            : control && r.clean                 ? gone
            : is_bert_punctuation(b)             ? punctuation
                                                 : letter;
    lower[b] = static_cast<char>(r.lower_case && b >= 'A' && b <= 'Z' ? b + 32 : b);
  }
}

std::size_t next_blank(std::string_view text, std::size_t from) {
  const std::size_t at = text.find_first_of(" \n\t\r", from);
  return at == std::string_view::npos ? text.size() : at;
}

}  // namespace lacuna::text
