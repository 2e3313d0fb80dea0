#pragma once
// What Unicode says of code points, out of utf8proc's tables.
#include <cstdint>

namespace lacuna::text {

bool is_space(std::int32_t c);        // White_Space
bool is_letter(std::int32_t c);       // L*
bool is_number(std::int32_t c);       // N*
bool is_punctuation(std::int32_t c);  // P*
bool is_mark(std::int32_t c);         // Mn: a mark that takes no place of its own
bool is_control(std::int32_t c);      // Cc, Cf, Co
/// Canonical_Combining_Class: 0 for what starts a sequence of combining characters.
int combining_class(std::int32_t c);
/// Of one code point by itself; U+0130, the only one that becomes two, becomes i alone.
std::int32_t lower(std::int32_t c);

/// The canonical decomposition (NFD) of one code point: writes at most 4, and says how many.
int decompose(std::int32_t c, std::int32_t (&out)[4]);

}  // namespace lacuna::text
