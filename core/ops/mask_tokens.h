#pragma once
#include "../context.h"

namespace lacuna {

struct MaskTokensOptions {
  std::int64_t mask_id = 0, vocabulary = 0;  // tokens are 0 .. vocabulary - 1
  std::vector<std::int64_t> special = {};    // never chosen: [PAD], [CLS], [SEP], ... (at most 8)
  double probability = 0.15;                 // of a token to be chosen
  /// Choose min(max_predictions, max(1, round(probability * length))) of a row, as BERT does, and not each token by itself.
  bool exact = false;
  std::int64_t max_predictions = std::int64_t{1} << 31;
  double mask_share = 0.8, random_share = 0.1;  // of the chosen; the others stay as they are
  std::int64_t ignore_index = -100;             // as in cross_entropy
};

struct MaskedTokens {
  Tensor tokens;  // (n, s) i64: what the network sees
  Tensor labels;  // (n, s) i64: the token where it is to be predicted, else ignore_index
};

/// Makes gaps in sequences (n, s) i64 for masked language modelling: kernels/mask_tokens.h. lengths (n) i64 is optional: tokens
/// from a row's length on are padding. What is chosen of a sample depends on (seed, `stream`, epoch, sample, view) and on
/// its tokens only. Not differentiable.
MaskedTokens mask_tokens(const Tensor& tokens, const MaskTokensOptions& options,
                         const Context& context, std::string_view stream,
                         const Tensor& lengths = {});

}  // namespace lacuna
