#include "bpe.h"

#include <algorithm>

#include "../../core/files.h"
#include "tokenizer_json.h"

namespace lacuna::text {
namespace {

constexpr const char* kBpeOp = "bpe";

}  // namespace

Bpe::Bpe(TokenList list, std::vector<Merge> merges, const std::string& name)
    : VocabularyTokenizer(std::move(list)), merges_(std::move(merges)) {
  for (int b = 0; b < 256; b++) {
    const auto byte = static_cast<char>(b);
    byte_ids_[b] = find(spell_bytes({&byte, 1}));
    LACUNA_CHECK(byte_ids_[b] >= 0, kBpeOp, name, ": every byte must be a token: byte ", b,
                 ", spelled \"", spell_bytes({&byte, 1}), "\", is none");
  }
  std::string bytes;
  for (std::int32_t id = 0; id < tokens().size(); id++) {
    const std::string_view spelling = tokens()[id];
    const bool special_token = std::binary_search(special().begin(), special().end(), id);
    LACUNA_CHECK(special_token || unspell_bytes(spelling, bytes), kBpeOp, name, ": token ", id,
                 " must be spelled in the 256 characters of byte-level BPE: got \"", spelling, '"');
    if (special_token)
      bytes = "\xFF" + std::string(spelling);  // no UTF-8: no part of a text is the same
    LACUNA_CHECK(bytes_.add(bytes) == id, kBpeOp, name, ": token ", id, ", \"", spelling,
                 "\", stands for the same bytes as another");
  }
  merged_.reserve(merges_.size());
  for (std::size_t i = 0; i < merges_.size(); i++) {
    const auto [left, right] = merges_[i];
    const std::string both = std::string(tokens()[left]) + std::string(tokens()[right]);
    const std::int32_t id = find(both);
    LACUNA_CHECK(id >= 0, kBpeOp, name, ": what a merge gives must be a token: \"", both,
                 "\" is none");
    merged_.push_back(id);
    std::int32_t& rank = ranks_[pair_key(left, right)];
    if (rank < 0) rank = static_cast<std::int32_t>(i);
  }
  Scratch scratch;
  whole_.resize(static_cast<std::size_t>(tokens().size()));
  for (std::int32_t id = 0; id < tokens().size(); id++) {
    if (bytes_[id].empty()) continue;
    merge(bytes_[id], scratch);
    const Symbol& first = scratch.symbols[0];
    whole_[id] = first.id == id && first.next < 0;
  }
}

// Leaves the tokens in scratch.symbols: the first at place 0, each with the place of the next.
void Bpe::merge(std::string_view bytes, Scratch& scratch) const {
  std::vector<Symbol>& symbols = scratch.symbols;
  std::vector<std::uint64_t>& queue = scratch.queue;
  const auto n = static_cast<std::int32_t>(bytes.size());
  symbols.resize(bytes.size());
  queue.clear();
  const auto later = std::greater<std::uint64_t>();  // the smallest first
  const auto look_at = [&](std::int32_t left) {      // the pair that begins there
    const std::int32_t right = symbols[left].next;
    if (right < 0) return;
    const std::int32_t rank = ranks_.find(pair_key(symbols[left].id, symbols[right].id));
    if (rank < 0) return;
    queue.push_back(static_cast<std::uint64_t>(rank) << 32 | static_cast<std::uint32_t>(left));
    std::push_heap(queue.begin(), queue.end(), later);
  };
  for (std::int32_t i = 0; i < n; i++)
    symbols[i] = {byte_ids_[static_cast<unsigned char>(bytes[i])], i - 1, i + 1 < n ? i + 1 : -1,
                  1};
  for (std::int32_t i = 0; i < n; i++) look_at(i);

  while (!queue.empty()) {
    const auto rank = static_cast<std::size_t>(queue.front() >> 32);
    const auto left = static_cast<std::int32_t>(queue.front());
    std::pop_heap(queue.begin(), queue.end(), later);
    queue.pop_back();
    Symbol& l = symbols[left];
    // The pair may have gone since it was queued.
    if (l.bytes == 0 || l.next < 0 || l.id != merges_[rank].left ||
        symbols[l.next].id != merges_[rank].right)
      continue;
    Symbol& r = symbols[l.next];
    l.id = merged_[rank];
    l.bytes += r.bytes;
    l.next = r.next;
    r.bytes = 0;
    if (l.next >= 0) symbols[l.next].previous = left;
    if (l.previous >= 0) look_at(l.previous);
    look_at(left);
  }
}

// emit(id, bytes it takes)
template <class Emit>
void Bpe::encode_part(std::string_view bytes, Scratch& scratch, Emit&& emit) const {
  // Most parts are tokens themselves.
  if (const std::int32_t id = bytes_.find(bytes); id >= 0 && whole_[id])
    return emit(id, static_cast<std::int64_t>(bytes.size()));
  merge(bytes, scratch);
  for (std::int32_t i = 0; i >= 0; i = scratch.symbols[i].next)
    emit(scratch.symbols[i].id, static_cast<std::int64_t>(scratch.symbols[i].bytes));
}

template <class Emit>
void Bpe::encode_parts(std::string_view text, Emit&& emit) const {
  check_utf8(kBpeOp, "text", text);
  Scratch scratch;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = end_of_part(text, begin);
    LACUNA_CHECK(end - begin < std::size_t{1} << 31, kBpeOp,
                 "letters, or whatever else is not split, must be less than 2 GB: got ",
                 end - begin, " bytes");
    encode_part(text.substr(begin, end - begin), scratch, emit);
    begin = end;
  }
}

std::vector<Token> Bpe::encode(std::string_view text) const {
  std::vector<Token> tokens;
  std::int64_t at = 0;
  encode_parts(text, [&](std::int32_t id, std::int64_t bytes) {
    tokens.push_back({id, at, at + bytes});
    at += bytes;
  });
  return tokens;
}

void Bpe::append_ids(std::string_view text, std::vector<std::int32_t>& out) const {
  encode_parts(text, [&](std::int32_t id, std::int64_t) { out.push_back(id); });
}

std::size_t Bpe::next_cut(std::string_view text, std::size_t from) const {
  return next_part_cut(text, from);
}

std::string Bpe::join(std::span<const std::int32_t> ids) const {
  std::string text;
  for (std::int32_t id : ids)
    text += std::binary_search(special().begin(), special().end(), id) ? tokens()[id] : bytes_[id];
  return text;
}

std::vector<Merge> merges_by_spelling(const TokenList& list,
                                      const std::vector<std::pair<std::string, std::string>>& pairs,
                                      const std::function<std::string(std::size_t)>& what) {
  std::vector<Merge> merges;
  merges.reserve(pairs.size());
  for (const auto& [left, right] : pairs) {
    const Merge m{list.tokens.find(left), list.tokens.find(right)};
    LACUNA_CHECK(m.left >= 0 && m.right >= 0, kBpeOp, what(merges.size()),
                 ": both parts of a merge must be tokens: got \"", left, "\" and \"", right, '"');
    merges.push_back(m);
  }
  return merges;
}

std::shared_ptr<const Tokenizer> parse_bpe(std::string_view encoder_json,
                                           std::string_view vocab_bpe, const std::string& name) {
  const std::string file = name + "/vocab.bpe";
  check_utf8(kBpeOp, file, vocab_bpe);
  TokenList list = tokens_by_id(read_json_vocabulary(encoder_json, name + "/encoder.json"),
                                name + "/encoder.json");
  list.mark_special(kEndOfText);
  std::vector<std::pair<std::string, std::string>> pairs;
  std::vector<std::int64_t> lines;
  for_each_line(vocab_bpe, [&](std::int64_t number, std::string_view line) {
    if (line.empty() || (number == 1 && line.substr(0, 9) == "#version:")) return;
    const std::size_t blank = line.find(' ');
    LACUNA_CHECK(blank != std::string_view::npos && blank > 0 && blank + 1 < line.size() &&
                     line.find(' ', blank + 1) == std::string_view::npos,
                 kBpeOp, file, ", line ", number,
                 ": a merge must be two tokens with a blank between: got \"", line, '"');
    pairs.emplace_back(line.substr(0, blank), line.substr(blank + 1));
    lines.push_back(number);
  });
  std::vector<Merge> merges = merges_by_spelling(
      list, pairs, [&](std::size_t i) { return file + ", line " + std::to_string(lines[i]); });
  return std::make_shared<Bpe>(std::move(list), std::move(merges), name);
}

std::shared_ptr<const Tokenizer> open_bpe(const std::string& folder) {
  return parse_bpe(read_file(folder + "/encoder.json"), read_file(folder + "/vocab.bpe"), folder);
}

}  // namespace lacuna::text
