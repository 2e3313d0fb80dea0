#pragma once
// The corruption of masked language modelling (Devlin, Chang, Lee, Toutanova 2019): some of a sequence's tokens are chosen to
// be predicted; of those 80 % become [MASK], 10 % another token, drawn from the whole vocabulary, and 10 % stay.
// A position can be chosen where it is below its row's length and its token is none of the special ones. Two ways to choose:
//   each by itself with probability p (a new mask each epoch; RoBERTa, and the usual data collators);
//   an exact count, as BERT's own create_pretraining_data.py: min(max_predictions, max(1, round(p * length))) positions, or all
//   that can be chosen, where there are fewer. Half-way cases round to even.
// Position e is chosen by word e of the row (random.h): below p, or among the `count` smallest (of equal words the first). Of
// the stream `replace_key` word 2e says what becomes of it, and word 2e + 1 is the other token.
#include <cmath>

#include "random_fill.h"

namespace lacuna {

struct MaskTokens {
  static constexpr const char* op = "mask_tokens";
  static constexpr int kMaxSpecial = 8;
  Array masked;  // out, (rows, n) i64: the sequence with its gaps
  Array
      labels;  // out, (rows, n) i64: the token that was there where it is to be predicted, else ignore_index
  Array tokens;        // (rows, n) i64, contiguous
  Array lengths = {};  // optional: (rows) i64; without it every row has n tokens
  Array ids = {};  // optional: (rows, 2) i64, contiguous; without it row r is sample r of view 0
  double probability = 0.15;
  bool exact = false;
  std::int64_t max_predictions = 0;             // where exact
  double mask_share = 0.8, random_share = 0.1;  // of the chosen; the others stay
  std::int64_t mask_id = 0, vocabulary = 0;     // tokens are 0 .. vocabulary - 1
  std::int64_t special[kMaxSpecial] = {};       // the first `specials` of them
  int specials = 0;
  std::int64_t ignore_index = -100;
  RandomKey key, replace_key;
};

void validate(const MaskTokens&);

/// The rules by themselves, the same in a kernel of any device.
struct TokenRule {
  double probability;
  std::int64_t max_predictions, mask_id, ignore_index;
  std::int64_t special[MaskTokens::kMaxSpecial];
  int specials;
  std::uint32_t vocabulary;
  std::uint64_t mask_below, random_below;  // of word 2e

  explicit TokenRule(const MaskTokens& a)
      : probability(a.probability),
        max_predictions(a.max_predictions),
        mask_id(a.mask_id),
        ignore_index(a.ignore_index),
        special{},
        specials(a.specials),
        vocabulary(static_cast<std::uint32_t>(a.vocabulary)),
        mask_below(BernoulliThreshold(a.mask_share).below),
        random_below(BernoulliThreshold(a.mask_share + a.random_share).below) {
    for (int i = 0; i < specials; i++) special[i] = a.special[i];
  }

  LACUNA_HD bool is_special(std::int64_t token) const {
    bool found = false;
    for (int i = 0; i < MaskTokens::kMaxSpecial; i++)
      found = found || (i < specials && token == special[i]);
    return found;
  }
  /// How many of a row of so many tokens are to be chosen.
  LACUNA_HD std::int64_t count(std::int64_t length) const {
    const double share = std::rint(static_cast<double>(length) * probability);
    const std::int64_t wanted = share < 1 ? 1 : static_cast<std::int64_t>(share);
    return wanted < max_predictions ? wanted : max_predictions;
  }
  /// What becomes of a chosen token, by words 2e and 2e + 1.
  LACUNA_HD std::int64_t replace(std::int64_t token, std::uint32_t what,
                                 std::uint32_t other) const {
    if (what < mask_below) return mask_id;
    return what < random_below ? static_cast<std::int64_t>(below(other, vocabulary)) : token;
  }
};

}  // namespace lacuna
