#pragma once
#include "../core/ops/mask_tokens.h"

namespace lacuna {

/// mask_tokens with an exact count that chooses words with all their tokens, as BERT's create_pretraining_data.py: words in a
/// random order, each that still fits into the count. A word is a token and those behind it for which `continues` is 1.
/// What becomes of a chosen token is drawn for each by itself, as mask_tokens does it. Done on the host; the order of words
/// follows from the random word of their first position.
MaskedTokens mask_words(const Tensor& tokens, const std::vector<std::uint8_t>& continues,
                        const MaskTokensOptions& options, const Context& context,
                        std::string_view stream, const Tensor& lengths);

}  // namespace lacuna
