#pragma once
// What a BERT says of text: tokens for its blanks, and whether the second of two pieces follows the first. Rows are as the task
// bert has them: tokens and segments (n, s) i64, lengths (n) i64.
#include "../nn/backbones/bert.h"

namespace lacuna {

struct Filling {
  std::int64_t token = 0;
  double probability = 0;  // among all tokens of the vocabulary
};
struct Blank {
  std::int64_t row = 0, position = 0;
  std::vector<Filling> fillings;  // the likeliest first
};

/// The `count` likeliest tokens for every place where `tokens` is `mask`, in order of rows and positions.
std::vector<Blank> fill_blanks(BertModel& model, const Tensor& tokens, const Tensor& segments,
                               const Tensor& lengths, std::int64_t mask, std::int64_t count = 5);

/// For each row the probability that B follows A. Fails on a model without next-sentence prediction.
std::vector<double> follows(BertModel& model, const Tensor& tokens, const Tensor& segments,
                            const Tensor& lengths);

}  // namespace lacuna
