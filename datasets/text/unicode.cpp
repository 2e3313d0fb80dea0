#include "unicode.h"

#include <utf8proc.h>

namespace lacuna::text {

bool is_space(std::int32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_letter(std::int32_t c) {
  const utf8proc_category_t k = utf8proc_category(c);
  return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}
bool is_number(std::int32_t c) {
  const utf8proc_category_t k = utf8proc_category(c);
  return k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO;
}
bool is_punctuation(std::int32_t c) {
  const utf8proc_category_t k = utf8proc_category(c);
  return k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO;
}
bool is_mark(std::int32_t c) { return utf8proc_category(c) == UTF8PROC_CATEGORY_MN; }
bool is_control(std::int32_t c) {
  const utf8proc_category_t k = utf8proc_category(c);
  return k == UTF8PROC_CATEGORY_CC || k == UTF8PROC_CATEGORY_CF || k == UTF8PROC_CATEGORY_CO;
}
int combining_class(std::int32_t c) { return utf8proc_get_property(c)->combining_class; }
std::int32_t lower(std::int32_t c) { return c == 0x130 ? 'i' : utf8proc_tolower(c); }

int decompose(std::int32_t c, std::int32_t (&out)[4]) {
  int boundary = 0;
  const auto n = utf8proc_decompose_char(c, out, 4, UTF8PROC_DECOMPOSE, &boundary);
  if (n >= 1 && n <= 4) return static_cast<int>(n);
  out[0] = c;
  return 1;
}

}  // namespace lacuna::text
