#include "byte_level.h"

#include <array>

#include "unicode.h"

namespace lacuna::text {
namespace {

enum Kind : std::uint8_t { space, letter, number, other };

struct Tables {
  std::array<std::int32_t, 256> spelling;
  std::array<std::int16_t, 0x144> byte;
  std::array<Kind, 128> kind;

  Tables() {
    byte.fill(-1);
    std::int32_t next = 0x100;
    for (int b = 0; b < 256; b++) {
      const bool itself = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      spelling[b] = itself ? b : next++;
      byte[spelling[b]] = static_cast<std::int16_t>(b);
    }
    for (int c = 0; c < 128; c++) kind[c] = unicode_kind(c);
  }
  static Kind unicode_kind(std::int32_t c) {
    return is_space(c) ? space : is_letter(c) ? letter : is_number(c) ? number : other;
  }
};
const Tables& tables() {
  static const Tables t;
  return t;
}

struct Character {
  Kind kind;
  std::size_t bytes;
};
Character character_at(const Tables& t, std::string_view text, std::size_t i) {
  const auto byte = static_cast<unsigned char>(text[i]);
  if (byte < 0x80) return {t.kind[byte], 1};
  const CodePoint c = code_point_at(text.data() + i);
  return {Tables::unicode_kind(c.value), static_cast<std::size_t>(c.bytes)};
}

// 2 or 3 where an apostrophe at `i` begins one of English's contracted endings, else 0.
std::size_t contraction(std::string_view text, std::size_t i) {
  const std::string_view next = text.substr(i + 1, 2);
  if (next.empty()) return 0;
  if (next[0] == 's' || next[0] == 't' || next[0] == 'm' || next[0] == 'd') return 2;
  return next == "re" || next == "ve" || next == "ll" ? 3 : 0;
}

}  // namespace

std::int32_t spelling_of_byte(unsigned char byte) { return tables().spelling[byte]; }

int byte_of_spelling(std::int32_t c) {
  return c >= 0 && c < static_cast<std::int32_t>(tables().byte.size()) ? tables().byte[c] : -1;
}

std::string spell_bytes(std::string_view bytes) {
  std::string out;
  for (char byte : bytes) append_utf8(out, spelling_of_byte(static_cast<unsigned char>(byte)));
  return out;
}

bool unspell_bytes(std::string_view spelling, std::string& bytes) {
  bytes.clear();
  for (std::size_t i = 0; i < spelling.size();) {
    const CodePoint c = code_point_at(spelling.data() + i);
    const int byte = byte_of_spelling(c.value);
    if (byte < 0) return false;
    bytes += static_cast<char>(byte);
    i += static_cast<std::size_t>(c.bytes);
  }
  return true;
}

std::size_t end_of_part(std::string_view text, std::size_t begin) {
  const Tables& t = tables();
  if (text[begin] == '\'')
    if (const std::size_t bytes = contraction(text, begin)) return begin + bytes;

  std::size_t i = begin;
  if (text[i] == ' ' && i + 1 < text.size()) i++;
  Character c = character_at(t, text, i);
  if (c.kind != space) {
    const Kind kind = c.kind;
    do i += c.bytes;
    while (i < text.size() && (c = character_at(t, text, i)).kind == kind);
    return i;
  }
  // White space: all of it at the end of the text; else all but its last character, where it has more than one.
  std::size_t last = begin;
  for (i = begin; i < text.size() && (c = character_at(t, text, i)).kind == space; i += c.bytes)
    last = i;
  return i == text.size() || last == begin ? i : last;
}

std::size_t next_part_cut(std::string_view text, std::size_t from) {
  const Tables& t = tables();
  for (std::size_t i = from; i < text.size(); i++) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (i == 0 || byte >= 0x80 || t.kind[byte] != space) continue;
    const std::size_t before = start_of_code_point(text, i - 1);
    // What is not UTF-8 may not be read as such; encoding it will fail anyway.
    if (valid_prefix(text.substr(before, i - before)) != i - before) return i;
    if (character_at(t, text, before).kind != space) return i;
  }
  return text.size();
}

}  // namespace lacuna::text
