#pragma once
// The words of a text as BERT sees them (google-research/bert, tokenization.py, BasicTokenizer): control characters go,
// white space becomes blanks, ideographs stand alone, in lower case and without accents (decomposed, NFD, and marks taken
// away), split at blanks and round every punctuation character.
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "unicode.h"
#include "utf8.h"

namespace lacuna::text {

struct BertRules {
  bool clean = true;  // control characters, U+FFFD and U+0000 go, white space becomes blanks
  bool ideographs = true;
  bool strip_accents = true;
  bool lower_case = true;
};

/// A word, and where in the text its bytes are from: those of a character all have the whole of the character it was.
struct BertWord {
  std::string bytes;
  std::vector<std::int64_t> begin, end;  // a byte each; empty where nobody asked for offsets
  std::int64_t characters = 0;
};

/// How bytes below 0x80 are treated under the rules.
class BertClasses {
 public:
  enum Class : std::uint8_t { letter, space, punctuation, gone, beyond };
  explicit BertClasses(const BertRules& rules);

  BertRules rules;
  std::array<Class, 256> of;
  std::array<char, 256> lower;
};

bool is_ideograph(std::int32_t c);
bool is_bert_punctuation(std::int32_t c);

/// Calls word(const BertWord&) for every word of valid UTF-8, in order.
template <bool kOffsets, class Word>
class BertSplitter {
 public:
  BertSplitter(const BertClasses& classes, Word& word) : classes_(classes), sink_(word) {}

  void run(std::string_view text) {
    const char* p = text.data();
    const auto size = static_cast<std::int64_t>(text.size());
    for (std::int64_t i = 0; i < size;) {
      const auto byte = static_cast<unsigned char>(p[i]);
      const auto kind = classes_.of[byte];
      if (kind == BertClasses::beyond) {
        const CodePoint c = code_point_at(p + i);
        put_beyond_ascii(c.value, i, i + c.bytes);
        i += c.bytes;
        continue;
      }
      if (kind == BertClasses::letter) {
        std::int64_t last = i + 1;
        while (last < size &&
               classes_.of[static_cast<unsigned char>(p[last])] == BertClasses::letter)
          last++;
        flush_marks();
        append_letters(p, i, last);
        i = last;
        continue;
      }
      if (kind != BertClasses::gone) {
        flush_marks();
        flush_word();
      }
      if (kind == BertClasses::punctuation) {
        append(p + i, 1, i, i + 1);
        flush_word();
      }
      i++;
    }
    flush_marks();
    flush_word();
  }

 private:
  struct Mark {
    std::int32_t value;
    int order;
    std::int64_t begin, end;
  };

  void append(const char* bytes, int count, std::int64_t begin, std::int64_t end) {
    word_.bytes.append(bytes, static_cast<std::size_t>(count));
    word_.characters++;
    if constexpr (kOffsets) {
      word_.begin.insert(word_.begin.end(), static_cast<std::size_t>(count), begin);
      word_.end.insert(word_.end.end(), static_cast<std::size_t>(count), end);
    }
  }

  // Letters below 0x80 from text[begin, end).
  void append_letters(const char* text, std::int64_t begin, std::int64_t end) {
    const std::size_t before = word_.bytes.size();
    word_.bytes.resize(before + static_cast<std::size_t>(end - begin));
    char* out = word_.bytes.data() + before;
    for (std::int64_t i = begin; i < end; i++) {
      *out++ = classes_.lower[static_cast<unsigned char>(text[i])];
      if constexpr (kOffsets) {
        word_.begin.push_back(i);
        word_.end.push_back(i + 1);
      }
    }
    word_.characters += end - begin;
  }

  void flush_word() {
    if (word_.bytes.empty()) return;
    sink_(static_cast<const BertWord&>(word_));
    word_.bytes.clear(), word_.begin.clear(), word_.end.clear();
    word_.characters = 0;
  }

  void put_beyond_ascii(std::int32_t c, std::int64_t begin, std::int64_t end) {
    const BertRules& rules = classes_.rules;
    if (rules.clean && (c == 0xFFFD || is_control(c))) return;
    const bool alone = rules.ideographs && is_ideograph(c);
    if (alone || (rules.clean && is_space(c))) {
      flush_marks();
      flush_word();
      if (!alone) return;
    }
    if (rules.strip_accents) {
      std::int32_t parts[4];
      const int count = decompose(c, parts);
      for (int k = 0; k < count; k++) {
        const int order = combining_class(parts[k]);
        if (order == 0) {
          flush_marks();
          put(parts[k], begin, end);
        } else {  // the canonical order of marks: stable, by class
          std::size_t at = marks_.size();
          while (at > 0 && marks_[at - 1].order > order) at--;
          marks_.insert(marks_.begin() + static_cast<std::ptrdiff_t>(at),
                        {parts[k], order, begin, end});
        }
      }
    } else {
      put(c, begin, end);
    }
    if (alone) {
      flush_marks();
      flush_word();
    }
  }

  void flush_marks() {
    if (marks_.empty()) return;
    for (const Mark& m : marks_) put(m.value, m.begin, m.end);
    marks_.clear();
  }

  // A character in its last form but for the case.
  void put(std::int32_t c, std::int64_t begin, std::int64_t end) {
    const BertRules& rules = classes_.rules;
    if (rules.strip_accents && is_mark(c)) return;
    const bool dotted =
        rules.lower_case && c == 0x130;  // the one whose lower case is two characters
    if (rules.lower_case) c = lower(c);
    const bool punctuation = is_bert_punctuation(c);
    if (punctuation || is_space(c)) flush_word();
    if (is_space(c)) return;
    char bytes[4];
    append(bytes, write_utf8(bytes, c), begin, end);
    if (dotted) append(bytes, write_utf8(bytes, 0x307), begin, end);
    if (punctuation) flush_word();
  }

  const BertClasses& classes_;
  Word& sink_;
  BertWord word_;
  std::vector<Mark> marks_;  // that may yet change places
};

template <bool kOffsets, class Word>
void for_each_bert_word(const BertClasses& classes, std::string_view text, Word&& word) {
  BertSplitter<kOffsets, Word>(classes, word).run(text);
}

/// The first byte at or behind `from` that is a blank or the end of a line: words end there.
std::size_t next_blank(std::string_view text, std::size_t from);

}  // namespace lacuna::text
