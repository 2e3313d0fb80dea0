#include "utf8.h"

#include <cstring>

#include "../../kernels/error.h"

namespace lacuna::text {
namespace {

// Length of the sequence at p, of which `left` bytes are there; 0 where it is not UTF-8.
int sequence_length(const unsigned char* p, std::size_t left) {
  const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < left && p[i] >= low && p[i] <= high;
  };
  const unsigned lead = p[0];
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return continues(1) ? 2 : 0;
  if (lead < 0xF0)
    return continues(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF) && continues(2) ? 3
                                                                                                : 0;
  if (lead < 0xF5)
    return continues(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF) && continues(2) &&
                   continues(3)
               ? 4
               : 0;
  return 0;
}

}  // namespace

std::size_t valid_prefix(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t i = 0;
  while (i < text.size()) {
    std::uint64_t eight;
    while (i + 8 <= text.size()) {
      std::memcpy(&eight, p + i, 8);
      if (eight & 0x8080808080808080u) break;
      i += 8;
    }
    if (i == text.size()) break;
    const int length = sequence_length(p + i, text.size() - i);
    if (length == 0) return i;
    i += static_cast<std::size_t>(length);
  }
  return i;
}

void check_utf8(const char* op, std::string_view what, std::string_view text, std::size_t first) {
  const std::size_t valid = valid_prefix(text);
  if (valid == text.size()) return;
  constexpr char digits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(text[valid]);
  const char hex[] = {'0', 'x', digits[byte >> 4], digits[byte & 15], 0};
  fail(op, what, " must be UTF-8: got ", hex, " at byte ", first + valid);
}

int write_utf8(char* out, std::int32_t c) {
  const auto tail = [c](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) {
    out[0] = static_cast<char>(c);
    return 1;
  }
  if (c < 0x800) {
    out[0] = static_cast<char>(0xC0 | c >> 6), out[1] = tail(0);
    return 2;
  }
  if (c < 0x10000) {
    out[0] = static_cast<char>(0xE0 | c >> 12), out[1] = tail(6), out[2] = tail(0);
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | c >> 18), out[1] = tail(12), out[2] = tail(6), out[3] = tail(0);
  return 4;
}

void append_utf8(std::string& out, std::int32_t c) {
  char bytes[4];
  out.append(bytes, static_cast<std::size_t>(write_utf8(bytes, c)));
}

}  // namespace lacuna::text
