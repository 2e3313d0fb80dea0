#pragma once
// Text from a GPT, one token after another: each is drawn from what the model gives the next one, and then is part of what
// comes before. Keys and values of earlier tokens are kept, so that a token costs one position.
#include <functional>
#include <span>

#include "../nn/backbones/gpt.h"

namespace lacuna {

struct SamplingOptions {
  double temperature = 1;  // scores are divided by it; 0: always the likeliest token
  std::int64_t top_k = 0;  // only the k likeliest; 0: all
  double top_p =
      1;  // of these only the likeliest that reach this share together (Holtzman et al. 2020)
};

/// The token that a uniform number u in [0, 1) picks by scores (logits). Of equal scores the smaller id comes first.
std::int64_t pick_token(std::span<const float> scores, const SamplingOptions& options, double u);

struct GenerateOptions {
  SamplingOptions sampling = {};
  std::int64_t max_tokens = 100;
  std::int64_t stop = -1;  // a token that ends the text and does not belong to it; -1: none
  std::uint64_t seed = 0;
  std::int64_t sample = 0;  // other texts from the same seed
  /// Told of each token as it comes; false ends the text.
  std::function<bool(std::int64_t)> on_token = nullptr;
};

/// The tokens that follow `prompt`, which has at least one. The same numbers for the same seed, whatever the device. A text
/// that grows past the model's context goes on from its last context / 2 tokens; of a longer prompt the end is read.
std::vector<std::int64_t> generate(GptModel& model, std::span<const std::int64_t> prompt,
                                   const GenerateOptions& options);

}  // namespace lacuna
