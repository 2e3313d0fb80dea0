// What all tokenizers have in common. Needs no library: a build without lacuna::text has this file, too.
#include "../tokenizer.h"

#include <algorithm>

#include "../../core/files.h"
#include "../../kernels/cpu/parallel.h"
#include "utf8.h"

namespace lacuna {
namespace {

struct Found {
  std::size_t at;
  std::int32_t id = -1;  // -1: there is none
  std::size_t bytes = 0;
};

// The first special token that `text` spells from `from` on; the longest one where several start there.
Found find_special(const std::vector<std::pair<std::string, std::int32_t>>& spellings,
                   std::string_view text, std::size_t from) {
  Found first{text.size()};
  for (const auto& [spelling, id] : spellings) {
    const std::size_t at = text.find(spelling, from);
    if (at < first.at || (at == first.at && spelling.size() > first.bytes))
      first = {at, id, spelling.size()};
  }
  return first;
}

}  // namespace

std::vector<std::int32_t> Tokenizer::ids(std::string_view text) const {
  std::vector<std::int32_t> out;
  append_ids(text, out);
  return out;
}

std::vector<Token> Tokenizer::encode_special(std::string_view text) const {
  text::check_utf8("tokenizer", "text", text);
  std::vector<std::pair<std::string, std::int32_t>> spellings;
  for (std::int32_t id : special())
    if (std::string spelling = token(id); !spelling.empty())
      spellings.emplace_back(std::move(spelling), id);
  const Vocabulary v = vocabulary();
  const bool framed = v.cls >= 0 && v.sep >= 0;
  const auto end_of_text = static_cast<std::int64_t>(text.size());

  std::vector<Token> tokens;
  if (framed) tokens.push_back({static_cast<std::int32_t>(v.cls), 0, 0});
  for (std::size_t begin = 0;;) {
    const Found found = find_special(spellings, text, begin);
    const auto shift = static_cast<std::int64_t>(begin);
    for (const Token& t : encode(text.substr(begin, found.at - begin)))
      tokens.push_back({t.id, t.begin + shift, t.end + shift});
    if (found.id < 0) break;
    begin = found.at + found.bytes;
    tokens.push_back(
        {found.id, static_cast<std::int64_t>(found.at), static_cast<std::int64_t>(begin)});
  }
  if (framed) tokens.push_back({static_cast<std::int32_t>(v.sep), end_of_text, end_of_text});
  return tokens;
}

void Tokenizer::check_id(std::int32_t id) const {
  const std::int64_t size = vocabulary().size;
  LACUNA_CHECK(id >= 0 && id < size, "tokenizer", "an id must be 0 to ", size - 1, ": got ", id);
}

std::string Tokenizer::decode_special(std::span<const std::int32_t> ids) const {
  for (std::int32_t id : ids) check_id(id);
  return join(ids);
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  const std::vector<std::int32_t>& left_out = special();
  std::vector<std::int32_t> kept;
  for (std::int32_t id : ids)
    if (!std::binary_search(left_out.begin(), left_out.end(), id)) kept.push_back(id);
  return decode_special(kept);
}

void Tokenizer::save(const std::string& path) const { write_file(path, to_json()); }

void encode_all(const Tokenizer& tokenizer, std::string_view whole,
                const std::function<void(std::span<const std::int32_t>)>& sink) {
  constexpr std::size_t kPiece = 1 << 18;
  std::vector<std::string_view> pieces(static_cast<std::size_t>(4 * cpu::threads()));
  std::vector<std::vector<std::int32_t>> ids(pieces.size());
  for (std::size_t begin = 0; begin < whole.size();) {
    std::size_t count = 0;
    const std::size_t first = begin;
    while (count < pieces.size() && begin < whole.size()) {
      const std::size_t end = tokenizer.next_cut(whole, std::min(begin + kPiece, whole.size()));
      pieces[count++] = whole.substr(begin, end - begin);
      begin = end;
    }
    text::check_utf8("tokenizer", "text", whole.substr(first, begin - first), first);
    cpu::parallel_for(static_cast<std::int64_t>(count), 1, [&](std::int64_t i, std::int64_t) {
      ids[i].clear();
      tokenizer.append_ids(pieces[i], ids[i]);
    });
    for (std::size_t i = 0; i < count; i++) sink(ids[i]);
  }
}

}  // namespace lacuna
