// Gaps in sequences of tokens, on cpu.
//   traffic      8 bytes read, 16 written a token; words stay in L1
//   determinism  a row depends on its sample and view alone
#include "../mask_tokens.h"

#include "draw.h"
#include "select.h"

namespace lacuna::cpu {

void mask_tokens(const MaskTokens& a, Stream) {
  const std::int64_t rows = a.tokens.dim(0), n = a.tokens.dim(1);
  const TokenRule rule(a);
  const BernoulliThreshold hit(a.probability);
  parallel_for(
      rows, grain_for(10.0 * static_cast<double>(n) + 1),
      [&](std::int64_t begin, std::int64_t end) {
        RowWords words;
        std::vector<std::uint8_t> chosen(n);
        for (std::int64_t row = begin; row < end; row++) {
          const std::int64_t* const tokens = a.tokens.as<std::int64_t>() + row * n;
          std::int64_t* const masked = a.masked.as<std::int64_t>() + row * n;
          std::int64_t* const labels = a.labels.as<std::int64_t>() + row * n;
          const RowId id(a.ids, row);
          const std::int64_t length =
              a.lengths ? std::min(a.lengths.as<std::int64_t>()[row], n) : n;
          words.draw(a.key, id.sample, id.view, n);
          for (std::int64_t e = 0; e < n; e++)
            chosen[e] = e < length && !rule.is_special(tokens[e]) && (a.exact || hit(words[e]));
          if (a.exact) words.keep_smallest(rule.count(length), chosen.data());
          for (std::int64_t e = 0; e < n; e++) {
            masked[e] = tokens[e];
            labels[e] = rule.ignore_index;
            if (!chosen[e]) continue;
            const Philox4 four = lacuna::draw(a.replace_key, e / 2, id.sample, id.view);
            labels[e] = tokens[e];
            masked[e] = rule.replace(tokens[e], four.v[2 * (e % 2)], four.v[2 * (e % 2) + 1]);
          }
        }
      });
}

}  // namespace lacuna::cpu
