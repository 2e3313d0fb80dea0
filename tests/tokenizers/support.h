#pragma once
// Small tokenizers, random texts, JSON files.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "../../core/files.h"
#include "../../datasets/text/utf8.h"
#include "../../datasets/tokenizer.h"
#include "../datasets/support.h"

namespace lacuna::test {

using Ids = std::vector<std::int32_t>;

inline nlohmann::json read_json(const std::string& path) {
  return nlohmann::json::parse(read_file(path));
}
inline std::string golden(const std::string& name) {
  return std::string(LACUNA_GOLDEN_DIR) + "/" + name;
}

inline Ids ids_of(const std::vector<Token>& tokens) {
  Ids ids;
  for (const Token& t : tokens) ids.push_back(t.id);
  return ids;
}

/// Code points of all sorts, those that tokenizers treat in some special way more often than others.
class RandomText {
 public:
  explicit RandomText(unsigned seed) : random_(seed) {}
  std::string operator()(int most) {
    std::string text;
    for (int n = below(most + 1); n > 0; n--) text::append_utf8(text, code_point());
    return text;
  }
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

 private:
  std::int32_t code_point() {
    constexpr std::int32_t often[] = {' ',    '\n',   '\t',    '\'',    's',    'e',    'a',
                                      'A',    '1',    '.',     0,       0x85,   0xA0,   0xDF,
                                      0x130,  0x301,  0x323,   0x2028,  0x200D, 0x3000, 0x4E00,
                                      0xAC01, 0xFFFD, 0x1F600, 0x10FFFF};
    switch (below(4)) {
      case 0:
        return below(128);
      case 1:
        return often[below(static_cast<int>(std::size(often)))];
      case 2:
        return 0x80 + below(0x780);
      default: {
        const std::int32_t c = below(0x110000);
        return c >= 0xD800 && c < 0xE000 ? c - 0xD800 : c;
      }
    }
  }
  std::mt19937 random_;
};

/// Trained on the fixture's corpus.
std::shared_ptr<const Tokenizer> small_tokenizer(const std::string& kind);

}  // namespace lacuna::test
