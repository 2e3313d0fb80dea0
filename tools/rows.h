#pragma once
// Text from the command line as a row of tokens for a BERT.
#include "../core/ops/shape.h"
#include "../datasets/tokenizer.h"

namespace lacuna::tools {

struct Rows {
  Tensor tokens, segments, lengths;  // (1, n), (1, n), (1), i64
  std::vector<std::int32_t> ids;     // the same tokens
};

/// [CLS] A [SEP], or [CLS] A [SEP] B [SEP]; "[MASK]" in a text is that token. Error where that is more than `positions`.
Rows rows_of_text(const Tokenizer& tokenizer, std::int64_t positions, const std::string& a,
                  const std::string& b = {});

/// Of tokens that are there already.
Rows rows_of_ids(std::vector<std::int32_t> ids, std::size_t first_of_b);

}  // namespace lacuna::tools
