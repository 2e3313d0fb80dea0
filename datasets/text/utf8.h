#pragma once
// UTF-8 (RFC 3629). Needs no library: what Unicode says of code points is in unicode.h.
#include <cstdint>
#include <string>
#include <string_view>

namespace lacuna::text {

/// How many bytes come before the first that is not UTF-8: overlong forms, surrogates and what is above U+10FFFF are not.
/// text.size() where all of it is.
std::size_t valid_prefix(std::string_view text);

/// Fails with "[op] <what> must be UTF-8: got 0x.. at byte N". Bytes are counted from 0; the text's first is `first`.
void check_utf8(const char* op, std::string_view what, std::string_view text,
                std::size_t first = 0);

struct CodePoint {
  std::int32_t value;
  std::int32_t bytes;  // that it takes in UTF-8
};

/// The code point at p, where valid UTF-8 must have one start.
inline CodePoint code_point_at(const char* p) {
  const auto byte = [p](int i) {
    return static_cast<std::int32_t>(static_cast<unsigned char>(p[i]));
  };
  const std::int32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F),
          4};
}

/// Where the code point starts of which the byte at `i` is part.
inline std::size_t start_of_code_point(std::string_view text, std::size_t i) {
  while (i > 0 && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) i--;
  return i;
}

/// Writes 1 to 4 bytes and says how many.
int write_utf8(char* out, std::int32_t code_point);
void append_utf8(std::string& out, std::int32_t code_point);

}  // namespace lacuna::text
