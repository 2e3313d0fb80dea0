#include "wordpiece.h"

#include "../../core/files.h"

namespace lacuna::text {
namespace {

constexpr const char* kWordpieceOp = "wordpiece";
constexpr std::string_view kGoesOn = "##";

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t begin = 0;
  for (std::size_t at; (at = text.find(from, begin)) != std::string::npos; begin = at + from.size())
    out.append(text, begin, at - begin).append(to);
  text = out.append(text, begin);
}

bool goes_on(std::string_view spelling) {
  return spelling.size() > kGoesOn.size() && spelling.substr(0, kGoesOn.size()) == kGoesOn;
}

}  // namespace

WordPiece::WordPiece(TokenList list, std::int32_t own, const WordPieceRules& rules)
    : VocabularyTokenizer(std::move(list)), rules_(rules), classes_(rules.words), own_(own) {
  unknown_ = find(kUnknown);
  LACUNA_CHECK(unknown_ >= 0, kWordpieceOp, "the vocabulary must have ", kUnknown, ": it has ",
               tokens().size(), " others");
  token_of_ = {-1, -1};
  for (std::int32_t id = 0; id < own_; id++) {
    std::string_view spelling = tokens()[id];
    if (goes_on(spelling)) add_to_trie(1, spelling.substr(kGoesOn.size()), id);
    add_to_trie(0, spelling, id);
  }
}

std::vector<std::uint8_t> WordPiece::continues() const {
  std::vector<std::uint8_t> flags(tokens().size());
  for (std::size_t id = 0; id < flags.size(); id++) flags[id] = goes_on(tokens()[id]);
  return flags;
}

void WordPiece::add_to_trie(std::int32_t root, std::string_view bytes, std::int32_t id) {
  std::int32_t node = root;
  for (char byte : bytes) {
    std::int32_t& next = edges_[edge(node, byte)];
    if (next < 0) {
      next = static_cast<std::int32_t>(token_of_.size());
      token_of_.push_back(-1);
    }
    node = next;
  }
  token_of_[node] = id;
}

// emit(id, begin, end): bytes of the word.
template <class Emit>
void WordPiece::cut(const BertWord& word, std::vector<Piece>& pieces, Emit&& emit) const {
  const std::string_view bytes = word.bytes;
  if (word.characters > rules_.longest_word) return emit(unknown_, std::size_t{0}, bytes.size());
  // Most words are tokens themselves.
  if (const std::int32_t id = tokens().find(bytes); id >= 0 && id < own_)
    return emit(id, std::size_t{0}, bytes.size());
  pieces.clear();
  for (std::size_t begin = 0; begin < bytes.size();) {
    Piece longest{-1, begin, begin};
    std::int32_t node = begin == 0 ? 0 : 1;
    for (std::size_t i = begin; i < bytes.size(); i++) {
      node = edges_.find(edge(node, bytes[i]));
      if (node < 0) break;
      if (token_of_[node] >= 0) longest = {token_of_[node], begin, i + 1};
    }
    if (longest.id < 0) return emit(unknown_, std::size_t{0}, bytes.size());
    pieces.push_back(longest);
    begin = longest.end;
  }
  for (const Piece& p : pieces) emit(p.id, p.begin, p.end);
}

std::vector<Token> WordPiece::encode(std::string_view text) const {
  check_utf8(kWordpieceOp, "text", text);
  std::vector<Token> tokens;
  std::vector<Piece> pieces;
  for_each_bert_word<true>(classes_, text, [&](const BertWord& word) {
    cut(word, pieces, [&](std::int32_t id, std::size_t begin, std::size_t end) {
      tokens.push_back({id, word.begin[begin], word.end[end - 1]});
    });
  });
  return tokens;
}

void WordPiece::append_ids(std::string_view text, std::vector<std::int32_t>& out) const {
  check_utf8(kWordpieceOp, "text", text);
  std::vector<Piece> pieces;
  for_each_bert_word<false>(classes_, text, [&](const BertWord& word) {
    cut(word, pieces, [&](std::int32_t id, std::size_t, std::size_t) { out.push_back(id); });
  });
}

std::size_t WordPiece::next_cut(std::string_view text, std::size_t from) const {
  return next_blank(text, from);
}

std::string WordPiece::join(std::span<const std::int32_t> ids) const {
  std::string text;
  for (std::int32_t id : ids) {
    const std::string_view spelling = tokens()[id];
    const bool goes_on = spelling.substr(0, kGoesOn.size()) == kGoesOn && !text.empty();
    if (goes_on) {
      text += spelling.substr(kGoesOn.size());
    } else {
      if (!text.empty()) text += ' ';
      text += spelling;
    }
  }
  if (rules_.tidy) {
    // In this order: what Hugging Face's clean_up_tokenization does.
    constexpr std::string_view tidier[][2] = {
        {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
        {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (const auto& [from, to] : tidier) replace_all(text, from, to);
  }
  return text;
}

std::shared_ptr<const Tokenizer> parse_vocab_txt(std::string_view text, const std::string& name,
                                                 bool keep_case) {
  check_utf8(kWordpieceOp, name, text);
  TokenList list;
  for_each_line(text, [&](std::int64_t number, std::string_view token) {
    const std::string where = name + ", line " + std::to_string(number);
    LACUNA_CHECK(!token.empty(), kWordpieceOp, where,
                 ": must have a token a line: got an empty line");
    list.add(token, where);
  });
  for (const char* token : {kPad, kUnknown, kCls, kSep, kMask}) list.mark_special(token);
  WordPieceRules rules;
  rules.words.strip_accents = rules.words.lower_case = !keep_case;
  const std::int32_t own = list.tokens.size();
  return std::make_shared<WordPiece>(std::move(list), own, rules);
}

std::shared_ptr<const Tokenizer> open_wordpiece(const std::string& path, bool keep_case) {
  return parse_vocab_txt(read_file(path), path, keep_case);
}

}  // namespace lacuna::text
