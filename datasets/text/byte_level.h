#pragma once
// How GPT-2 spells bytes and where it splits text (openai/gpt-2, src/encoder.py).
#include <string>
#include <string_view>

#include "utf8.h"

namespace lacuna::text {

/// Every byte is spelled as one character: itself where it is a printable one of Latin-1, else U+0100, U+0101, ... in order.
std::int32_t spelling_of_byte(unsigned char byte);
/// -1 where the character spells none.
int byte_of_spelling(std::int32_t c);

std::string spell_bytes(std::string_view bytes);
/// False where a character of the spelling is no byte's.
bool unspell_bytes(std::string_view spelling, std::string& bytes);

/// Where the part ends that begins at text[begin], of valid UTF-8. The parts are the matches of
///   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t end_of_part(std::string_view text, std::size_t begin);

/// The first place at or behind `from` that is the end of a part whatever surrounds it: white space behind something else.
std::size_t next_part_cut(std::string_view text, std::size_t from);

}  // namespace lacuna::text
