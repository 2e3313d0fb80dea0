#include "characters.h"

#include <algorithm>

#include "utf8.h"

namespace lacuna::text {
namespace {

constexpr const char* kCharactersOp = "characters";

}  // namespace

Characters::Characters(TokenList list, const std::string& name)
    : VocabularyTokenizer(std::move(list)) {
  unknown_ = find(kUnknown);
  LACUNA_CHECK(unknown_ >= 0, kCharactersOp, name, ": the vocabulary must have ", kUnknown);
  ascii_.fill(unknown_);
  for (std::int32_t id = 0; id < tokens().size(); id++) {
    if (std::binary_search(special().begin(), special().end(), id)) continue;
    const std::string_view spelling = tokens()[id];
    const CodePoint c = spelling.empty() ? CodePoint{0, 0} : code_point_at(spelling.data());
    LACUNA_CHECK(spelling.size() == static_cast<std::size_t>(c.bytes) && c.bytes > 0, kCharactersOp,
                 name, ": tokens must be one character each: got \"", spelling, '"');
    if (c.value < 128)
      ascii_[c.value] = id;
    else
      beyond_[static_cast<std::uint64_t>(c.value)] = id;
  }
}

// emit(id, bytes)
template <class Emit>
void Characters::encode_characters(std::string_view text, Emit&& emit) const {
  check_utf8(kCharactersOp, "text", text);
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = code_point_at(text.data() + i);
    std::int32_t id =
        c.value < 128 ? ascii_[c.value] : beyond_.find(static_cast<std::uint64_t>(c.value));
    emit(id < 0 ? unknown_ : id, c.bytes);
    i += static_cast<std::size_t>(c.bytes);
  }
}

std::vector<Token> Characters::encode(std::string_view text) const {
  std::vector<Token> tokens;
  std::int64_t at = 0;
  encode_characters(text, [&](std::int32_t id, std::int32_t bytes) {
    tokens.push_back({id, at, at + bytes});
    at += bytes;
  });
  return tokens;
}

void Characters::append_ids(std::string_view text, std::vector<std::int32_t>& out) const {
  encode_characters(text, [&](std::int32_t id, std::int32_t) { out.push_back(id); });
}

std::size_t Characters::next_cut(std::string_view text, std::size_t from) const {
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) from++;
  return std::min(from, text.size());
}

std::string Characters::join(std::span<const std::int32_t> ids) const {
  std::string text;
  for (std::int32_t id : ids) text += tokens()[id];
  return text;
}

std::shared_ptr<const Tokenizer> make_characters(std::vector<std::int32_t> code_points) {
  std::sort(code_points.begin(), code_points.end());
  TokenList list;
  std::string spelling;
  for (std::int32_t c : code_points) {
    spelling.clear();
    append_utf8(spelling, c);
    list.add(spelling, "characters");
  }
  list.add(kUnknown, "characters");
  list.mark_special(kUnknown);
  return std::make_shared<Characters>(std::move(list), "characters");
}

}  // namespace lacuna::text
