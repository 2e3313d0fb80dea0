// Tokenizers out of texts: words counted on all threads, then merges learned from the counts.
#include "train.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "../../core/suggest.h"
#include "../../kernels/cpu/parallel.h"
#include "bpe.h"
#include "characters.h"
#include "text_files.h"
#include "wordpiece.h"

namespace lacuna {
namespace text {
namespace {

constexpr const char* kTrainOp = "tokenizer";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Counts {
  Strings words;
  std::vector<std::int64_t> counts;  // of each

  void add(std::string_view word, std::int64_t count) {
    const auto number = static_cast<std::size_t>(words.add(word));
    if (number == counts.size()) counts.push_back(0);
    counts[number] += count;
  }
};

// What is learned from, to be read from front to back.
struct Text {
  std::string name;
  // A function that puts up to `count` bytes into `to`; fewer only at the end.
  using Read = std::function<std::size_t(char* to, std::size_t count)>;
  std::function<Read()> open;
};

Text in_memory(const NamedText& named) {
  return {named.name, [rest = named.text] {
            return [rest](char* to, std::size_t count) mutable {
              const std::string_view now = rest.substr(0, count);
              std::copy(now.begin(), now.end(), to);
              rest.remove_prefix(now.size());
              return now.size();
            };
          }};
}

Text on_disk(const std::string& path) {
  return {path, [path] {
            return [stream = std::make_shared<TextStream>(path)](char* to, std::size_t count) {
              return stream->read(to, count);
            };
          }};
}

// body(piece) on all threads, for pieces of the texts that end at next_cut(text, from), which looks at nothing behind the
// place that it gives.
template <class NextCut, class Body>
void for_each_piece(std::span<const Text> texts, NextCut&& next_cut, Body&& body) {
  constexpr std::size_t kPiece = 1 << 20;
  const std::size_t block = kPiece * static_cast<std::size_t>(4 * cpu::threads());
  std::string buffer;
  std::vector<std::string_view> pieces;
  std::size_t all = 0;
  for (const Text& t : texts) {
    const Text::Read read = t.open();
    buffer.clear();
    std::size_t offset = 0;  // of the buffer in the text
    for (bool more = true; more;) {
      const std::size_t rest = buffer.size();
      buffer.resize(rest + block);
      buffer.resize(rest + read(buffer.data() + rest, block));
      more = buffer.size() == rest + block;
      const std::string_view now = buffer;
      pieces.clear();
      std::size_t begin = offset == 0 && now.substr(0, 3) == kByteOrderMark ? 3 : 0;
      while (begin < now.size()) {
        const std::size_t end = next_cut(now, std::min(begin + kPiece, now.size()));
        if (end == now.size() && more) break;  // a piece that may go on
        pieces.push_back(now.substr(begin, end - begin));
        begin = end;
      }
      check_utf8(kTrainOp, t.name, now.substr(0, begin), offset);
      cpu::parallel_for(static_cast<std::int64_t>(pieces.size()), 1,
                        [&](std::int64_t i, std::int64_t) { body(pieces[i]); });
      buffer.erase(0, begin);
      offset += begin;
    }
    all += offset;
  }
  LACUNA_CHECK(all > 0, kTrainOp, "what a tokenizer is trained on must not be empty: got ",
               texts.size(), " texts of 0 bytes together");
}

// The words of the texts in the order of their bytes; split(piece, word) calls word(bytes).
template <class NextCut, class Split>
std::vector<std::pair<std::string, std::int64_t>> count_words(std::span<const Text> texts,
                                                              NextCut&& next_cut, Split&& split) {
  std::mutex mutex;
  std::vector<std::unique_ptr<Counts>> idle;  // as many as threads were at work at once
  for_each_piece(texts, next_cut, [&](std::string_view piece) {
    std::unique_ptr<Counts> mine;
    {
      std::lock_guard lock(mutex);
      if (!idle.empty()) {
        mine = std::move(idle.back());
        idle.pop_back();
      }
    }
    if (!mine) mine = std::make_unique<Counts>();
    split(piece, [&](std::string_view word) { mine->add(word, 1); });
    std::lock_guard lock(mutex);
    idle.push_back(std::move(mine));
  });

  Counts all;
  for (const auto& counts : idle)
    for (std::int32_t i = 0; i < counts->words.size(); i++)
      all.add(counts->words[i], counts->counts[i]);
  std::vector<std::pair<std::string, std::int64_t>> sorted;
  sorted.reserve(all.counts.size());
  for (std::int32_t i = 0; i < all.words.size(); i++)
    sorted.emplace_back(all.words[i], all.counts[i]);
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

void check_room(const TrainOptions& o, std::int64_t needed, const char* what) {
  LACUNA_CHECK(o.vocabulary >= needed && o.vocabulary < std::int64_t{1} << 31, kTrainOp,
               "the vocabulary must be at least ", needed, ", for ", what, ": got ", o.vocabulary);
}

std::shared_ptr<const Tokenizer> train_bpe(std::span<const Text> texts, const TrainOptions& o) {
  check_room(o, 257, "256 bytes and <|endoftext|>");
  const auto words = count_words(texts, next_part_cut, [](std::string_view piece, auto&& word) {
    for (std::size_t begin = 0; begin < piece.size();) {
      const std::size_t end = end_of_part(piece, begin);
      word(piece.substr(begin, end - begin));
      begin = end;
    }
  });
  // GPT-2's ids: bytes in the order of the characters that spell them.
  std::vector<int> bytes;
  for (std::int32_t c = 0; c < 0x200; c++)
    if (const int byte = byte_of_spelling(c); byte >= 0) bytes.push_back(byte);
  TokenList list;
  std::int32_t id_of[256];
  for (int byte : bytes) {
    const auto one = static_cast<char>(byte);
    id_of[byte] = list.tokens.add(spell_bytes({&one, 1}));
  }
  std::vector<CountedWord> counted;
  for (const auto& [word, count] : words) {
    counted.push_back({{}, count});
    for (char byte : word)
      counted.back().symbols.push_back(id_of[static_cast<unsigned char>(byte)]);
  }
  std::vector<Merge> merges;
  for (const MergeStep& s :
       learn_merges(std::move(counted), list.tokens, o.vocabulary - 1, o.least, ""))
    merges.push_back({s.left, s.right});
  list.add(kEndOfText, kTrainOp);
  list.mark_special(kEndOfText);
  return std::make_shared<Bpe>(std::move(list), std::move(merges), "bpe");
}

// The `most` most frequent characters of the words, sorted.
std::vector<std::int32_t> alphabet_of(
    const std::vector<std::pair<std::string, std::int64_t>>& words, std::int64_t most) {
  std::vector<std::int64_t> counts(0x110000);
  for (const auto& [word, count] : words)
    for (std::size_t i = 0; i < word.size();) {
      const CodePoint c = code_point_at(word.data() + i);
      counts[c.value] += count;
      i += static_cast<std::size_t>(c.bytes);
    }
  std::vector<std::int32_t> characters;
  for (std::int32_t c = 0; c < 0x110000; c++)
    if (counts[c] > 0) characters.push_back(c);
  std::stable_sort(characters.begin(), characters.end(),
                   [&](std::int32_t a, std::int32_t b) { return counts[a] > counts[b]; });
  if (static_cast<std::int64_t>(characters.size()) > most) characters.resize(most);
  std::sort(characters.begin(), characters.end());
  return characters;
}

std::shared_ptr<const Tokenizer> train_wordpiece(std::span<const Text> texts,
                                                 const TrainOptions& o) {
  LACUNA_CHECK(o.alphabet >= 1, kTrainOp, "the alphabet must be at least 1: got ", o.alphabet);
  WordPieceRules rules;
  rules.words.lower_case = rules.words.strip_accents = !o.keep_case;
  const BertClasses classes(rules.words);
  auto words = count_words(texts, next_blank, [&](std::string_view piece, auto&& word) {
    for_each_bert_word<false>(classes, piece, [&](const BertWord& w) {
      if (w.characters <= rules.longest_word) word(w.bytes);
    });
  });

  const std::vector<std::int32_t> alphabet = alphabet_of(words, o.alphabet);
  TokenList list;
  for (const char* token : {kPad, kUnknown, kCls, kSep, kMask}) {
    list.tokens.add(token);
    list.mark_special(token);
  }
  const std::int32_t first = list.tokens.size(),
                     letters = static_cast<std::int32_t>(alphabet.size());
  for (const char* before : {"", "##"})
    for (std::int32_t c : alphabet) {
      std::string spelling = before;
      append_utf8(spelling, c);
      list.tokens.add(spelling);
    }
  check_room(o, list.tokens.size(),
             "5 special tokens and every character at a word's start and inside");

  std::vector<CountedWord> counted;
  for (const auto& [word, count] : words) {
    CountedWord one{{}, count};
    bool known =
        true;  // a word with a character outside of the alphabet is [UNK], whatever is learned
    for (std::size_t i = 0; i < word.size() && known;) {
      const CodePoint c = code_point_at(word.data() + i);
      const auto at = std::lower_bound(alphabet.begin(), alphabet.end(), c.value);
      known = at != alphabet.end() && *at == c.value;
      one.symbols.push_back(first + (i == 0 ? 0 : letters) +
                            static_cast<std::int32_t>(at - alphabet.begin()));
      i += static_cast<std::size_t>(c.bytes);
    }
    if (known) counted.push_back(std::move(one));
  }
  learn_merges(std::move(counted), list.tokens, o.vocabulary, o.least, "##");
  const std::int32_t own = list.tokens.size();
  return std::make_shared<WordPiece>(std::move(list), own, rules);
}

std::shared_ptr<const Tokenizer> train_char(std::span<const Text> texts) {
  std::vector<std::uint8_t> seen(0x110000);
  const auto next_cut = [](std::string_view t, std::size_t from) {
    for (int i = 0; i < 3 && from < t.size(); i++, from++)
      if ((static_cast<unsigned char>(t[from]) & 0xC0) != 0x80) break;
    return from;
  };
  for_each_piece(texts, next_cut, [&](std::string_view piece) {
    for (std::size_t i = 0; i < piece.size();) {
      const CodePoint c = code_point_at(piece.data() + i);
      std::atomic_ref(seen[c.value]).store(1, std::memory_order_relaxed);
      i += static_cast<std::size_t>(c.bytes);
    }
  });
  std::vector<std::int32_t> characters;
  for (std::int32_t c = 0; c < 0x110000; c++)
    if (seen[c]) characters.push_back(c);
  return make_characters(std::move(characters));
}

std::shared_ptr<const Tokenizer> train(const std::string& kind, std::span<const Text> texts,
                                       const TrainOptions& options) {
  if (kind == "wordpiece") return train_wordpiece(texts, options);
  if (kind == "bpe") return train_bpe(texts, options);
  LACUNA_CHECK(kind == "char", kTrainOp, "the kind must be wordpiece, bpe or char: got \"", kind,
               '"', suggestion(kind, {"wordpiece", "bpe", "char"}));
  return train_char(texts);
}

}  // namespace
}  // namespace text

std::shared_ptr<const Tokenizer> train_tokenizer(const std::string& kind,
                                                 std::span<const NamedText> texts,
                                                 const TrainOptions& options) {
  std::vector<text::Text> all;
  for (const NamedText& t : texts) all.push_back(text::in_memory(t));
  return text::train(kind, all, options);
}

std::shared_ptr<const Tokenizer> train_tokenizer_on_files(const std::string& kind,
                                                          const std::vector<std::string>& places,
                                                          const TrainOptions& options) {
  std::vector<text::Text> all;
  for (const std::string& place : places)
    for (const std::string& file : text_files(place)) all.push_back(text::on_disk(file));
  return text::train(kind, all, options);
}

std::shared_ptr<const Tokenizer> train_characters(std::string_view text) {
  const NamedText texts[] = {{"text", text}};
  return train_tokenizer("char", texts, {});
}

}  // namespace lacuna
