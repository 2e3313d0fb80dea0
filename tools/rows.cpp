#include "rows.h"

namespace lacuna::tools {

Rows rows_of_ids(std::vector<std::int32_t> ids, std::size_t first_of_b) {
  const auto n = static_cast<std::int64_t>(ids.size());
  std::vector<std::int64_t> tokens(ids.begin(), ids.end()), segments(ids.size());
  for (std::size_t i = first_of_b; i < ids.size(); i++) segments[i] = 1;
  return {Tensor::from(tokens, {1, n}), Tensor::from(segments, {1, n}),
          Tensor::from(std::vector<std::int64_t>{n}, {1}), std::move(ids)};
}

Rows rows_of_text(const Tokenizer& tokenizer, std::int64_t positions, const std::string& a,
                  const std::string& b) {
  std::vector<std::int32_t> ids;
  for (const Token& t : tokenizer.encode_special(a)) ids.push_back(t.id);
  const std::size_t first_of_b = ids.size();
  if (!b.empty()) {
    const auto tokens = tokenizer.encode_special(b);  // without the [CLS] in front
    for (std::size_t i = 1; i < tokens.size(); i++) ids.push_back(tokens[i].id);
  }
  LACUNA_CHECK(static_cast<std::int64_t>(ids.size()) <= positions, "eval", "the text has ",
               ids.size(), " tokens, but the model takes ", positions);
  return rows_of_ids(std::move(ids), first_of_b);
}

}  // namespace lacuna::tools
