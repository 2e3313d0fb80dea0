#include "vocabulary.h"

#include <algorithm>
#include <limits>

namespace lacuna::text {

void TokenList::add(std::string_view token, const std::string& what) {
  const std::int32_t before = tokens.size();
  LACUNA_CHECK(tokens.add(token) == before, "tokenizer", what,
               ": a token must not be there twice: got \"", token, '"');
}

void TokenList::mark_special(std::string_view token) {
  const std::int32_t id = tokens.find(token);
  const auto at = std::lower_bound(special.begin(), special.end(), id);
  if (id >= 0 && (at == special.end() || *at != id)) special.insert(at, id);
}

VocabularyTokenizer::VocabularyTokenizer(TokenList list) : list_(std::move(list)) {
  vocabulary_.size = list_.tokens.size();
  vocabulary_.pad = find(kPad);
  vocabulary_.unknown = find(kUnknown);
  vocabulary_.cls = find(kCls);
  vocabulary_.sep = find(kSep);
  vocabulary_.mask = find(kMask);
  vocabulary_.end = find(kEndOfText);
}

std::string VocabularyTokenizer::token(std::int32_t id) const {
  check_id(id);
  return std::string(list_.tokens[id]);
}

TokenList tokens_by_id(std::vector<std::pair<std::int64_t, std::string>> members,
                       const std::string& name) {
  std::sort(members.begin(), members.end());
  TokenList list;
  for (const auto& [id, token] : members) {
    LACUNA_CHECK(id == list.tokens.size(), "tokenizer", name, ": ids must be 0 to ",
                 members.size() - 1, ", each of them once: got ", id, " (\"", token, "\") where ",
                 list.tokens.size(), " was due");
    list.add(token, name);
  }
  LACUNA_CHECK(list.tokens.size() > 0, "tokenizer", name, ": the vocabulary must not be empty");
  return list;
}

}  // namespace lacuna::text
