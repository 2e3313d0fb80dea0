#include "whole_words.h"

#include <algorithm>

#include "../core/ops/shape.h"
#include "../kernels/mask_tokens.h"

namespace lacuna {

MaskedTokens mask_words(const Tensor& input, const std::vector<std::uint8_t>& continues,
                        const MaskTokensOptions& o, const Context& context, std::string_view stream,
                        const Tensor& lengths) {
  LACUNA_CHECK(static_cast<std::int64_t>(continues.size()) == o.vocabulary, "mask_words",
               "needs a flag for each of ", o.vocabulary, " tokens: got ", continues.size());
  MaskTokens arguments;
  arguments.probability = o.probability;
  arguments.max_predictions = o.max_predictions;
  arguments.mask_share = o.mask_share;
  arguments.random_share = o.random_share;
  arguments.mask_id = o.mask_id;
  arguments.vocabulary = o.vocabulary;
  arguments.specials = static_cast<int>(o.special.size());
  arguments.ignore_index = o.ignore_index;
  std::copy(o.special.begin(), o.special.end(), arguments.special);
  const TokenRule rule(arguments);
  const RandomKey key = context.key(stream),
                  replace = context.key(std::string(stream) + ".replace");
  const auto tokens = input.to_vector<std::int64_t>(), ends = lengths.to_vector<std::int64_t>();
  const auto ids =
      context.ids.defined() ? context.ids.to_vector<std::int64_t>() : std::vector<std::int64_t>();
  const std::int64_t rows = input.dim(0), n = input.dim(1);
  std::vector<std::int64_t> masked = tokens, labels(tokens.size(), o.ignore_index);

  struct Word {
    std::uint32_t order;
    std::int64_t begin, end;
  };
  std::vector<Word> words;
  for (std::int64_t row = 0; row < rows; row++) {
    const std::int64_t* const t = tokens.data() + row * n;
    const std::int64_t sample = ids.empty() ? row : ids[2 * row],
                       view = ids.empty() ? 0 : ids[2 * row + 1], length = std::min(n, ends[row]);
    words.clear();
    for (std::int64_t e = 0; e < length; e++) {
      if (rule.is_special(t[e])) continue;
      LACUNA_CHECK(t[e] >= 0 && t[e] < o.vocabulary, "mask_words", "tokens are 0 to ",
                   o.vocabulary - 1, ": got ", t[e]);
      if (continues[t[e]] && !words.empty() && words.back().end == e)
        words.back().end++;
      else
        words.push_back({draw_word(key, e, sample, view), e, e + 1});
    }
    std::sort(words.begin(), words.end(), [](const Word& a, const Word& b) {
      return a.order < b.order || (a.order == b.order && a.begin < b.begin);
    });
    std::int64_t room = rule.count(length);
    for (const Word& word : words) {
      if (word.end - word.begin > room) continue;
      room -= word.end - word.begin;
      for (std::int64_t e = word.begin; e < word.end; e++) {
        labels[row * n + e] = t[e];
        masked[row * n + e] = rule.replace(t[e], draw_word(replace, 2 * e, sample, view),
                                           draw_word(replace, 2 * e + 1, sample, view));
      }
    }
  }
  return {to(Tensor::from(masked, {rows, n}), input.device()),
          to(Tensor::from(labels, {rows, n}), input.device())};
}

}  // namespace lacuna
